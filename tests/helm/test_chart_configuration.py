"""`configure`, run as the chart runs it: from files, from `hub.extraConfig`, from both."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from e2xhub.config import HubDoesNotStartError
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Registry
from e2xhub.kubernetes.manifests import make_manifests
from tests.helm.chart import ROOT, chart_values, needs_chart
from tests.helm.chart_hub import run_chart_configuration

pytestmark = [needs_chart, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CONFIG_DIRECTORY = ROOT / "jupyterhub_config.d"


def plain(value: Any) -> Any:
    """A value that can be compared, also where somebody said `c.….append(…)`."""
    return value.to_dict() if isinstance(value, LazyConfigValue) else value


def sections_of(c: Config) -> dict[str, dict[str, Any]]:
    """What a hub reads, without what is made anew each time and means the same."""
    same = {
        section: {name: plain(value) for name, value in traits.items()}
        for section, traits in c.items()
        if section != "E2xHub"
    }
    for name in ("template_vars", "tornado_settings"):
        same["JupyterHub"][name] = sorted(same["JupyterHub"].get(name, ()))
    handlers = same["JupyterHub"].get("extra_handlers", [])
    same["JupyterHub"]["extra_handlers"] = [handler[0] for handler in handlers]
    for section in ("E2xSpawner", "OneTimePasswordAuthenticator"):
        for name in ("registry", "desk"):
            if name in same.get(section, {}):
                same[section][name] = type(same[section][name])
    return same


@pytest.mark.parametrize("kind", ["assignment", "exam", "grading"])
def test_it_is_the_same_from_files_from_extra_config_and_from_both(
    kind: str, exam_files: dict[str, Any]
) -> None:
    values = chart_values(kind, exam_files)
    without = {**values, "hub": {**values["hub"], "extraConfig": {}}}
    from_files = run_chart_configuration(without, CONFIG_DIRECTORY)
    from_extra_config = run_chart_configuration(values)
    from_both = run_chart_configuration(values, CONFIG_DIRECTORY)
    assert from_files.JupyterHub.spawner_class == "e2x"
    assert sections_of(from_files) == sections_of(from_extra_config) == sections_of(from_both)


def test_second_call_goes_on_with_what_the_first_has_read(exam_files: dict[str, Any]) -> None:
    values = chart_values("exam", exam_files)
    look = "seen = globals().setdefault('seen', []); seen.append(c.E2xSpawner.registry)"
    same = "assert seen[0] is c.E2xSpawner.registry is c.OneTimePasswordAuthenticator.desk.registry"
    values["hub"]["extraConfig"] |= {"05-look": look, "99-look": same}
    run_chart_configuration(values, CONFIG_DIRECTORY)


def test_second_call_with_other_settings_is_refused(hub_files: dict[str, Any]) -> None:
    values = chart_values("assignment", hub_files)
    other = 'configure(c, **{**get_config("custom.e2xhub"), "named_servers": 3, "hub": "grading"})'
    values["hub"]["extraConfig"] = {"20-mine": f"from e2xhub import configure\n{other}"}
    assert fault_of(values, CONFIG_DIRECTORY) == (
        "e2xhub.configure is called twice, with different settings (hub, named_servers); remove "
        "one of the calls, they are in the image's jupyterhub_config.d and in the chart's "
        "hub.extraConfig"
    )


def test_hub_without_its_settings_does_not_start() -> None:
    values = chart_values("assignment", {"custom": {"e2xhub": None}})
    assert fault_of(values) == (
        "custom.e2xhub.hub: the key 'hub' is missing\n"
        "custom.e2xhub.catalog: the key 'catalog' is missing\n"
        "custom.e2xhub.roster: the key 'roster' is missing"
    )


# --- what the chart set stays


CHART_SETS = {
    "imagePullSecrets": ["of-the-chart"],
    "singleuser": {
        "extraLabels": {"team": "blue"},
        "extraEnv": {"FROM_CHART": "yes"},
        "extraTolerations": [{"key": "lab", "operator": "Exists"}],
        "image": {"pullSecrets": [{"name": "of-servers"}]},
        "storage": {
            "extraVolumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "extraVolumeMounts": [{"name": "data", "mountPath": "/srv/chart-data"}],
        },
        "initContainers": [{"name": "greet", "image": "registry.example.org/greet:1"}],
    },
}


async def pod_of(c: Config, hub: Registry, username: str, slug: str, now: datetime) -> Any:
    """The pod that this hub would send."""
    offer = hub.authorize(username, slug, now)
    made = await make_manifests(offer, Username.parse(username), size=None, config=c)
    return next(item for item in made if item["kind"] == "Pod")


@pytest.fixture
async def students_pod(
    hub_files: dict[str, Any], assignment_hub: Registry, in_winter_term: datetime
) -> Any:
    """Alice's pod in Machine Learning, whose network is open."""
    c = run_chart_configuration(chart_values("assignment", CHART_SETS, hub_files))
    slug = "machine-learning/WS26/student"
    return await pod_of(c, assignment_hub, "alice", slug, in_winter_term)


@pytest.fixture
async def examinees_pod(
    exam_files: dict[str, Any], exam_hub: Registry, exam_open_at_nine: datetime
) -> Any:
    """Alice's pod in an exam."""
    c = run_chart_configuration(chart_values("exam", CHART_SETS, exam_files), CONFIG_DIRECTORY)
    return await pod_of(c, exam_hub, "alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture(params=["students_pod", "examinees_pod"])
def pod(request: pytest.FixtureRequest) -> Any:
    """Each of the two."""
    return request.getfixturevalue(request.param)


def names_in(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def test_volumes_of_the_chart_stay(pod: Any) -> None:
    assert "data" in names_in(pod["spec"]["volumes"])
    (server,) = pod["spec"]["containers"]
    places = [mount["mountPath"] for mount in server["volumeMounts"]]
    assert {"/srv/chart-data", "/home/jovyan"} <= set(places)


async def test_volumes_that_were_added_to_nothing_stay(
    hub_files: dict[str, Any], assignment_hub: Registry, in_winter_term: datetime
) -> None:
    """With `storage.type: none` there may be none before, and traitlets would forget these."""
    values = chart_values("assignment", hub_files)
    values["hub"]["extraConfig"]["05-mine"] = (
        "for name in ('volumes', 'volume_mounts'):\n"
        "    c.KubeSpawner.pop(name)\n"
        "c.KubeSpawner.volumes.update({'mine': {'name': 'mine', 'emptyDir': {}}})\n"
        "c.KubeSpawner.volume_mounts.update({'mine': {'name': 'mine', 'mountPath': '/srv/mine'}})"
    )
    c = run_chart_configuration(values)
    made = await pod_of(c, assignment_hub, "alice", "machine-learning/WS26/student", in_winter_term)
    (server,) = made["spec"]["containers"]
    assert "mine" in names_in(made["spec"]["volumes"])
    assert "mine" in names_in(server["volumeMounts"])


def test_tolerations_of_the_chart_stay(pod: Any) -> None:
    keys = {item["key"] for item in pod["spec"]["tolerations"]}
    assert keys >= {"lab", "hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated"}


def test_pull_secrets_of_the_chart_stay(pod: Any) -> None:
    assert {"of-the-chart", "of-servers"} <= set(names_in(pod["spec"]["imagePullSecrets"]))


def test_init_containers_of_the_chart_stay(pod: Any) -> None:
    assert {"greet", "block-cloud-metadata"} <= set(names_in(pod["spec"]["initContainers"]))


def test_environment_and_scheduling_of_the_chart_stay(pod: Any) -> None:
    (server,) = pod["spec"]["containers"]
    assert {"name": "FROM_CHART", "value": "yes"} in server["env"]
    assert "JUPYTERHUB_ACTIVITY_INTERVAL" in names_in(server["env"])
    assert pod["spec"]["schedulerName"] == "exam-user-scheduler"
    assert pod["spec"]["priorityClassName"] == "exam-default-priority"
    preferred = pod["spec"]["affinity"]["nodeAffinity"]
    assert preferred["preferredDuringSchedulingIgnoredDuringExecution"]


def test_labels_of_the_chart_stay(pod: Any) -> None:
    labels = pod["metadata"]["labels"]
    assert labels["release"] == "exam"
    assert labels["component"] == "singleuser-server"
    assert labels["team"] == "blue"
    # By it the chart's policy for the hub lets a server in.
    assert labels["hub.jupyter.org/network-access-hub"] == "true"


def test_label_by_which_the_charts_policies_select_is_taken_off_locked_pods_alone(
    students_pod: Any, examinees_pod: Any
) -> None:
    assert students_pod["metadata"]["labels"]["app"] == "jupyterhub"
    assert "app" not in examinees_pod["metadata"]["labels"]


def test_examinees_pod_is_guaranteed_with_the_charts_containers(examinees_pod: Any) -> None:
    spec = examinees_pod["spec"]
    for container in [*spec["containers"], *spec["initContainers"]]:
        resources = container["resources"]
        for amount in ("cpu", "memory"):
            assert resources["requests"][amount] == resources["limits"][amount]


def test_roles_and_services_of_the_chart_stay(hub_files: dict[str, Any]) -> None:
    mine = {
        "hub": {"services": {"status": {}}, "loadRoles": {"status": {"scopes": ["list:users"]}}}
    }
    c = run_chart_configuration(chart_values("assignment", hub_files, mine), CONFIG_DIRECTORY)
    assert [item["name"] for item in c.JupyterHub.services] == ["jupyterhub-idle-culler", "status"]
    assert [item["name"] for item in c.JupyterHub.load_roles] == [
        "jupyterhub-idle-culler",
        "status",
    ]


def test_what_was_named_before_is_there_for_what_comes_after(hub_files: dict[str, Any]) -> None:
    """One namespace for all: our file must not take `get_config` or `c` from the next one."""
    values = chart_values("assignment", hub_files)
    values["hub"]["extraConfig"]["99-check"] = (
        "assert get_config == chart.get_config\nassert c.JupyterHub.spawner_class == 'e2x'\n"
        "assert get_config('custom.e2xhub.hub') == 'assignment'"
    )
    run_chart_configuration(values, CONFIG_DIRECTORY)


# --- what contradicts it


def fault_of(values: Any, directory: Path | None = None) -> str:
    with pytest.raises(HubDoesNotStartError) as caught:
        run_chart_configuration(values, directory)
    return str(caught.value).removeprefix("e2xhub:\n")


CONTRADICTIONS = [
    (
        {"singleuser": {"profileList": [{"display_name": "x"}]}},
        "KubeSpawner.profile_list (singleuser.profileList) and e2xhub both decide what is offered; "
        "remove profile_list and declare courses in the catalog",
    ),
    (
        {
            "hub": {
                "extraConfig": {
                    "05-mine": "del c.KubeSpawner['volume_mounts']\n"
                    "c.KubeSpawner.volume_mounts.extend({'mine': {}})"
                }
            }
        },
        "KubeSpawner.volume_mounts (singleuser.storage.extraVolumeMounts) has 'mine'; expected a "
        "mapping such as {name: data, mountPath: /srv/data}",
    ),
    (
        {"singleuser": {"storage": {"type": "static", "static": {"pvcName": "homes"}}}},
        "the catalog's mount 'HOME' and KubeSpawner.volume_mounts both want /home/jovyan; set "
        "singleuser.storage.type: none, or take the mount out of "
        "singleuser.storage.extraVolumeMounts",
    ),
]
ON_TEACHING_HUBS = [
    (
        {"hub": {"allowNamedServers": True}},
        "JupyterHub.allow_named_servers (hub.allowNamedServers) is on and e2xhub's named_servers "
        "is 0, none; set named_servers to how many a person may have",
    ),
    (
        {"hub": {"namedServerLimitPerUser": 2}, "custom": {"e2xhub": {"named_servers": 3}}},
        "JupyterHub.named_server_limit_per_user (hub.namedServerLimitPerUser) is 2 and e2xhub's "
        "named_servers is 3; remove the former",
    ),
]
ON_EXAM_HUBS = [
    (
        {
            "singleuser": {
                "storage": {"type": "dynamic", "homeMountPath": "/home/somewhere-else"},
            }
        },
        "KubeSpawner.storage_pvc_ensure (singleuser.storage.type: dynamic) gives examinees a home "
        "that they keep from exam to exam; set singleuser.storage.type: none, the catalog says "
        "where an exam's files are",
    ),
    (
        {"cull": {"enabled": True}},
        "the service jupyterhub-idle-culler (cull.enabled) would stop the server of an examinee "
        "who thinks for an hour; set cull.enabled: false, e2xhub stops servers when their exam is "
        "over",
    ),
    (
        {"hub": {"config": {"JupyterHub": {"authenticator_class": "generic-oauth"}}}},
        "JupyterHub.authenticator_class is 'generic-oauth', but examinees sign in with one-time "
        "passwords; remove hub.config.JupyterHub.authenticator_class, and set "
        "custom.e2xhub.staff_authenticator: generic-oauth where staff sign in with it",
    ),
    (
        {"hub": {"config": {"Authenticator": {"allow_existing_users": True}}}},
        "Authenticator.allow_existing_users (hub.config.Authenticator) would admit whoever was on "
        "this hub before; remove it, the roster says who sits and who watches an exam",
    ),
    (
        {"custom": {"e2xhub": {"named_servers": 1}}},
        "custom.e2xhub.named_servers: an exam hub has no named servers; remove named_servers",
    ),
]


@pytest.mark.parametrize(("change", "fault"), [*CONTRADICTIONS, *ON_TEACHING_HUBS])
def test_contradiction_ends_the_start_of_a_teaching_hub(
    hub_files: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    values = chart_values("assignment", hub_files, change)
    assert fault_of(values) == fault.replace("HOME", "home")


@pytest.mark.parametrize(("change", "fault"), [*CONTRADICTIONS, *ON_EXAM_HUBS])
def test_contradiction_ends_the_start_of_an_exam_hub(
    exam_files: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    values = chart_values("exam", exam_files, change)
    assert fault_of(values, CONFIG_DIRECTORY) == fault.replace("HOME", "exam-home")


def test_all_contradictions_are_told_at_once(exam_files: dict[str, Any]) -> None:
    both = {"cull": {"enabled": True}, "singleuser": {"profileList": [{"display_name": "x"}]}}
    faults = fault_of(chart_values("exam", exam_files, both)).splitlines()
    assert [fault.split()[0] for fault in faults] == ["KubeSpawner.profile_list", "the"]


def test_authenticator_of_staff_is_no_contradiction(exam_files: dict[str, Any]) -> None:
    """Admins who write it in both places mean the same."""
    both = {
        "hub": {"config": {"JupyterHub": {"authenticator_class": "generic-oauth"}}},
        "custom": {"e2xhub": {"staff_authenticator": "generic-oauth"}},
    }
    c = run_chart_configuration(chart_values("exam", exam_files, both))
    assert c.JupyterHub.authenticator_class == "e2x-otp"


def test_database_may_come_from_the_environment(
    exam_files: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")
    empty = {"custom": {"e2xhub": {"database_url": ""}}}
    run_chart_configuration(chart_values("exam", exam_files, empty))
    assert (tmp_path / "other.sqlite").is_file()
    assert not (tmp_path / "e2xhub.sqlite").exists()
