"""What `configure` sets, and that a hub with faults does not start."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyterhub.scopes import scope_definitions
from traitlets import TraitError
from traitlets.config import Config

from e2xhub import configure
from e2xhub.course_desk.refusals import DeskUnavailableError
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.domain.roles import HubKind
from e2xhub.errors import ConfigurationError
from e2xhub.hub_settings import HubSettings
from e2xhub.storage.exam_records import open_exam_records
from e2xhub.storage.pepper_file import ensure_pepper
from e2xhub.web.forward_auth import FORWARD_AUTH, PROBE
from tests.hub.configured_hub import wait_until
from tests.storage.exams import issue


@pytest.fixture
def settings(catalog_file: Path, roster_directory: Path) -> dict[str, Any]:
    """The settings of an assignment hub."""
    return {
        "hub": "assignment",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
    }


@pytest.fixture
def exam_settings(settings: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The settings of an exam hub."""
    pepper = tmp_path / "pepper"
    ensure_pepper(pepper)
    return {
        **settings,
        "hub": "exam",
        "database_url": f"sqlite:///{tmp_path / 'e2xhub.sqlite'}",
        "pepper_file": str(pepper),
        "trusted_proxies": ["10.0.0.0/24", "::1", "localhost"],
    }


def fault_of(c: Config, **settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configure(c, **settings)
    # JupyterHub ends on a TraitError with its text alone.
    assert isinstance(caught.value, TraitError)
    return str(caught.value).removeprefix("e2xhub:\n")


def test_every_hub_gets_our_spawner_with_its_registry(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    assert c.JupyterHub.spawner_class == "e2x"
    registry = c.E2xSpawner.registry.current
    assert (registry.hub, list(registry.catalog.courses)) == (
        HubKind.ASSIGNMENT,
        ["machine-learning", "databases"],
    )


def test_refused_spawns_never_stop_a_hub(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    assert c.E2xSpawner.consecutive_failure_limit == 0


def test_registry_is_the_same_for_every_spawner(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    assert deepcopy(c).E2xSpawner.registry is c.E2xSpawner.registry


@pytest.mark.parametrize("hub", ["assignment", "grading"])
def test_teaching_hub_keeps_its_own_authenticator(settings: dict[str, Any], hub: str) -> None:
    c = Config()
    c.JupyterHub.authenticator_class = "ldap"
    configure(c, **{**settings, "hub": hub})
    assert c.JupyterHub.authenticator_class == "ldap"
    assert "OneTimePasswordAuthenticator" not in c


def test_exam_hub_admits_by_one_time_password(exam_settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **exam_settings)
    assert c.JupyterHub.authenticator_class == "e2x-otp"
    assert c.JupyterHub.allow_named_servers is False
    desk = c.OneTimePasswordAuthenticator.desk
    assert desk.registry is c.E2xSpawner.registry
    assert list(map(str, desk.trusted_proxies.networks)) == ["10.0.0.0/24", "::1/128"]
    assert desk.trusted_proxies.names == ("localhost",)
    assert desk.records.current.exams == {}


def test_door_and_spawner_share_their_desk_with_every_copy(exam_settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **exam_settings)
    copied = deepcopy(c)
    assert copied.OneTimePasswordAuthenticator.desk is c.OneTimePasswordAuthenticator.desk
    assert copied.E2xSpawner.registry is c.E2xSpawner.registry
    given = {path: kept[0] for path, _, *kept in copied.JupyterHub.extra_handlers if kept}
    desk = c.OneTimePasswordAuthenticator.desk
    assert given[PROBE]["origin"] is desk.shared_origin


def test_every_hub_answers_forward_auth_by_the_header_that_is_chosen(
    settings: dict[str, Any], exam_settings: dict[str, Any]
) -> None:
    def find(chosen: dict[str, Any]) -> list[str]:
        c = Config()
        configure(c, **chosen)
        handlers = c.JupyterHub.get("extra_handlers", [])
        return [given[0]["uri_header"] for path, _, *given in handlers if path == FORWARD_AUTH]

    assert find(settings) == find(exam_settings) == ["X-Original-URL"]
    assert find({**settings, "forward_auth_header": "X-Forwarded-Uri"}) == ["X-Forwarded-Uri"]
    assert find({**exam_settings, "forward_auth_header": "X-Forwarded-Uri"}) == ["X-Forwarded-Uri"]


def test_pages_of_exams_are_added_once_to_those_of_the_admin(exam_settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.extra_handlers = [(r"/mine", object)]
    configure(c, **exam_settings)
    paths = [handler[0] for handler in c.JupyterHub.extra_handlers]
    configure(c, **exam_settings)
    assert [handler[0] for handler in c.JupyterHub.extra_handlers] == paths
    assert paths[0] == "/mine"
    assert len(set(paths)) == len(paths) > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"database_url": "nonsense"},
            "this is no URL of a database; expected one such as postgresql+psycopg://hub@db:5432/",
        ),
        (
            {"database_url": "sqlite:////no/such/directory/x"},
            "the database sqlite:////no/such/directory/x cannot be used "
            "(unable to open database file); is its directory there, and may the hub write to it?",
        ),
        ({"pepper_file": "/no/such/file"}, "/no/such/file: the pepper cannot be read"),
        ({"public_url": "exams.example.org"}, "public_url: 'exams.example.org'"),
    ],
)
def test_hub_that_could_not_check_codes_does_not_start(
    exam_settings: dict[str, Any], change: dict[str, str], message: str
) -> None:
    assert fault_of(Config(), **{**exam_settings, **change}).startswith(message)


def test_hub_that_could_not_recognise_safe_exam_browser_does_not_start(
    exam_settings: dict[str, Any], catalog_file: Path, tmp_path: Path
) -> None:
    written = yaml.safe_load(catalog_file.read_text(encoding="utf-8"))
    written["exams"]["ml-pz1"]["safe_exam_browser"] = {"config_keys": ["ab" * 32]}
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(yaml.safe_dump(written), encoding="utf-8")
    assert fault_of(Config(), **{**exam_settings, "catalog": catalog}) == (
        "ml-pz1 demands Safe Exam Browser, and the setting public_url is missing; set it to the "
        "address of the hub, such as https://exams.example.org/"
    )
    public_url = "https://exams.example.org"
    configure(Config(), **{**exam_settings, "catalog": catalog, "public_url": public_url})


def test_pepper_may_come_from_the_environment(
    exam_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_PEPPER", Pepper.make().text)
    c = Config()
    configure(c, **{**exam_settings, "pepper_file": ""})
    assert c.JupyterHub.authenticator_class == "e2x-otp"


def test_pod_of_an_exam_has_a_token_that_reports_activity_alone(
    exam_settings: dict[str, Any],
) -> None:
    c = Config()
    configure(c, **exam_settings)
    assert c.E2xSpawner.server_token_scopes == ["users:activity!user"]


def test_examinees_make_no_tokens(exam_settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **exam_settings)
    (role,) = c.JupyterHub.load_roles
    assert role["name"] == "user"
    assert role["scopes"] == [
        "users:activity!user",
        "read:users:name!user",
        "read:users:groups!user",
        "servers!user",
        "access:servers!user",
    ]
    for scope in role["scopes"]:
        assert scope.partition("!")[0] in scope_definitions


@pytest.mark.parametrize("by_appending", [False, True])
def test_roles_of_the_chart_stay(exam_settings: dict[str, Any], by_appending: bool) -> None:
    c = Config()
    culler = {"name": "jupyterhub-idle-culler", "scopes": ["list:users"]}
    if by_appending:
        c.JupyterHub.load_roles.append(culler)
    else:
        c.JupyterHub.load_roles = [culler]
    configure(c, **exam_settings)
    roles = c.JupyterHub.load_roles
    found = roles.get_value([]) if by_appending else roles
    assert [role["name"] for role in found] == ["jupyterhub-idle-culler", "user"]


def test_roles_are_added_once(exam_settings: dict[str, Any]) -> None:
    c = Config()
    for _ in range(2):
        configure(c, **exam_settings)
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["user"]


@pytest.mark.parametrize("hub", ["assignment", "grading"])
def test_teaching_hub_keeps_its_roles_and_tokens(settings: dict[str, Any], hub: str) -> None:
    c = Config()
    configure(c, **{**settings, "hub": hub})
    assert "load_roles" not in c.JupyterHub
    assert "server_token_scopes" not in c.E2xSpawner


def test_templates_are_added_once_to_those_of_the_admin(exam_settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.template_paths = ["/srv/branding"]
    for _ in range(2):
        configure(c, **exam_settings)
    paths = [Path(path) for path in c.JupyterHub.template_paths]
    assert [path.name for path in paths] == ["branding", "exam", "hub"]
    assert (paths[2] / "spawn.html").is_file()
    assert (paths[1] / "login.html").is_file()


def test_templates_that_the_admin_appended_stay(settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.template_paths.append("/srv/branding")
    configure(c, **settings)
    paths = c.JupyterHub.template_paths.get_value([])
    assert [Path(path).name for path in paths] == ["branding", "hub"]


def test_empty_profile_list_of_the_chart_is_no_contradiction(settings: dict[str, Any]) -> None:
    c = Config()
    c.KubeSpawner.profile_list = []
    configure(c, **settings)
    assert c.JupyterHub.spawner_class == "e2x"


def test_profile_list_beside_a_catalog_is_refused(settings: dict[str, Any]) -> None:
    c = Config()
    c.KubeSpawner.profile_list = [{"display_name": "x"}]
    assert fault_of(c, **settings) == (
        "KubeSpawner.profile_list (singleuser.profileList) and e2xhub both decide what is "
        "offered; remove profile_list and declare courses in the catalog"
    )


NO_PATH = "is no path; expected one text such as '/srv/e2xhub/catalog'"
NEEDS_DATABASE = (
    "database_url: an exam hub needs it; set it, or the hub's environment variable "
    "E2XHUB_DATABASE_URL (hub.extraEnv) from a Secret that has it: kubectl create secret generic "
    "e2xhub --from-file=database-url=FILE"
)
NEEDS_PEPPER = (
    "pepper_file: an exam hub needs it; set it, or the hub's environment variable E2XHUB_PEPPER "
    "(hub.extraEnv) from a Secret that has it: kubectl create secret generic e2xhub "
    "--from-file=pepper=FILE"
)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"hub": "exams"}, "hub: 'exams' is not known; expected 'assignment', 'exam' or 'grading'"),
        (
            {"rosters": "x"},
            "rosters: unknown key 'rosters' (did you mean 'roster'?); expected one of: "
            + ", ".join(sorted(HubSettings.model_fields)),
        ),
        ({"courses": "databases"}, "courses: 'databases' is no list; expected one such as [a, b]"),
        ({"catalog": ["a", "b"]}, f"catalog: ['a', 'b'] {NO_PATH}"),
        ({"hub": "exam"}, f"{NEEDS_DATABASE}\n{NEEDS_PEPPER}"),
        ({"hub": "exam", "database_url": " \n"}, f"{NEEDS_DATABASE}\n{NEEDS_PEPPER}"),
        ({"hub": "exam", "database_url": "sqlite://"}, NEEDS_PEPPER),
        (
            {"roster_changes": "on"},
            "roster_changes: database_url and pepper_file missing, and each change is noted in "
            "that database, under a key; set them, or remove roster_changes",
        ),
        (
            {"roster_changes": True, "database_url": "sqlite://"},
            "roster_changes: pepper_file missing, and each change is noted in that database, under "
            "a key; set them, or remove roster_changes",
        ),
        (
            {"roster_changes": "yes"},
            "roster_changes: 'yes' is not known; expected 'on' or 'off'",
        ),
        (
            {"trusted_proxies": ["10.0.0.1", "10.0.0.1/8"]},
            "trusted_proxies: '10.0.0.1/8' has host bits set; expected 10.0.0.1/32 for one proxy, "
            "or 10.0.0.0/8 for all of it",
        ),
        (
            {"trusted_proxies": ["proxy-pods", "proxy_pods", "10.42.1"]},
            "trusted_proxies: 'proxy_pods' is neither a network, such as 192.0.2.10/32, nor the "
            "name of a headless Service, such as proxy-pods.exam.svc.cluster.local; '10.42.1' is "
            "neither a network, such as 192.0.2.10/32, nor the name of a headless Service, such as "
            "proxy-pods.exam.svc.cluster.local",
        ),
        (
            {"forward_auth_header": "X-Original-URL, X-Original-URI"},
            "forward_auth_header: 'X-Original-URL, X-Original-URI' is not written as "
            "expected, which is ^[A-Za-z0-9-]+$",
        ),
    ],
)
def test_faulty_setting_is_named(
    settings: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    assert fault_of(Config(), **{**settings, **change}) == fault


def test_all_faulty_settings_are_named_at_once() -> None:
    fault = fault_of(Config(), hub="x", colour="red")
    assert [line.split(":")[0] for line in fault.splitlines()] == [
        "hub",
        "catalog",
        "roster",
        "colour",
    ]


def test_fault_of_a_value_of_the_chart_begins_with_its_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure(Config(), {"hub": "x", "catalogue": "/c", "roster": "/r"})
    _, *faults = str(caught.value).splitlines()
    assert [fault.partition(": ")[0] for fault in faults] == [
        "custom.e2xhub.hub",
        "custom.e2xhub.catalog",
        "custom.e2xhub.catalogue",
    ]
    assert faults[1].endswith("the key 'catalog' is missing")


@pytest.mark.parametrize("value", ["geheim", ["hub"], 5, True, ""])
def test_value_of_the_chart_that_is_no_mapping_is_told_in_a_sentence(value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure(Config(), value)
    assert str(caught.value) == (
        "e2xhub:\ncustom.e2xhub is no mapping; expected keys below it, such as hub: exam, "
        "catalog: …, roster: …"
    )


def test_mapping_and_keywords_are_settings_and_keywords_win(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, {**settings, "named_servers": 2}, named_servers=3)
    assert c.E2xSpawner.named_servers == 3


@pytest.mark.parametrize("name", ["database_url", "roster"])
def test_secret_in_a_value_of_the_wrong_kind_is_not_shown(
    settings: dict[str, Any], name: str
) -> None:
    wrong = ["postgresql://hub:geheim@db/e2x"]
    assert fault_of(Config(), **{**settings, name: wrong}) == (
        f"{name}: this is no text; expected one text, in quotes"
    )


def test_catalog_and_roster_that_are_not_mounted_are_both_told(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    places = {name: str(tmp_path / "none" / name) for name in ("catalog", "roster")}
    assert fault_of(Config(), **{**settings, **places}).splitlines() == [
        f"{place}: nothing is here; expected it there: is it mounted (hub.extraVolumes and "
        "hub.extraVolumeMounts)? helm replaces lists: the list of your last file must name all of "
        "them"
        for place in places.values()
    ]


def test_line_break_after_the_url_names_no_other_database(
    exam_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_DATABASE_URL", f"{exam_settings['database_url']}\n")
    configure(Config(), **{**exam_settings, "database_url": ""})
    assert (tmp_path / "e2xhub.sqlite").is_file()
    assert not (tmp_path / "e2xhub.sqlite\n").exists()


def test_wide_network_of_proxies_is_told_in_the_log(
    exam_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    configure(Config(), **{**exam_settings, "trusted_proxies": ["10.0.0.0/8", "10.0.0.0/24"]})
    told = [it.getMessage() for it in caplog.records if "trusted_proxies" in it.getMessage()]
    assert [text.partition(" is ")[0] for text in told] == ["trusted_proxies: 10.0.0.0/8"]


def test_secret_of_a_database_is_not_in_the_fault(settings: dict[str, Any]) -> None:
    url = "postgresql://hub:geheim@db/e2x"
    fault = fault_of(Config(), **{**settings, "hub": "x", "database_url": url})
    assert "geheim" not in fault


def test_secret_of_a_database_is_not_shown_with_the_settings(
    exam_settings: dict[str, Any],
) -> None:
    url = "postgresql://hub:geheim@db/e2x"
    shown = HubSettings.model_validate({**exam_settings, "database_url": url})
    assert shown.database_url == url
    assert "geheim" not in f"{shown} {shown!r}"


def test_hub_with_a_faulty_catalog_does_not_start(settings: dict[str, Any], tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("university: U\nimages: {}\nsizes: {}\nx: 1\n")
    assert fault_of(Config(), **{**settings, "catalog": catalog}) == (
        f"{catalog}:4: x: unknown key 'x'; expected one of: "
        + ", ".join(sorted(Catalog.model_fields))
    )


def test_hub_with_a_faulty_roster_does_not_start(settings: dict[str, Any], tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,exam,role\nalice,none,student\n")
    assert fault_of(Config(), **{**settings, "roster": roster}) == (
        f"{roster}:2: exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2"
    )


def test_faulty_settings_leave_the_configuration_as_it_was(settings: dict[str, Any]) -> None:
    c = Config()
    fault_of(c, **{**settings, "catalog": "/no/such/catalog"})
    assert c == Config()


def test_hub_serves_the_courses_and_terms_that_it_is_told(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **{**settings, "courses": ["databases"], "terms": ["WS26"]})
    served = c.E2xSpawner.registry.current.served
    assert (served.courses, served.terms) == ({"databases"}, {"WS26"})


def test_misspelt_course_or_term_would_serve_nothing_and_is_refused(
    settings: dict[str, Any],
) -> None:
    wrong = {**settings, "courses": ["databses"], "terms": ["WS99"]}
    courses, terms = fault_of(Config(), **wrong).splitlines()
    assert courses == (
        f"{settings['catalog']}: this hub serves the courses databses, which the catalog has "
        "not; expected some of: databases, machine-learning"
    )
    assert "this hub serves the terms WS99, which the catalog has not" in terms


@pytest.mark.parametrize("seconds", [1e-6, -1, float("nan"), float("inf")])
def test_reload_is_never_or_not_all_the_time(settings: dict[str, Any], seconds: float) -> None:
    assert "reload_seconds" in fault_of(Config(), **{**settings, "reload_seconds": seconds})


@pytest.mark.parametrize("hub", ["assignment", "grading"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"roster_changes": "on"}, None),
        ({"roster_changes": False}, ReadOnlyReason.CHANGES_OFF),
        ({"pepper_file": ""}, ReadOnlyReason.SETTINGS_MISSING),
        ({"database_url": ""}, ReadOnlyReason.SETTINGS_MISSING),
    ],
)
def test_members_are_changed_where_it_can_be_noted(
    exam_settings: dict[str, Any], hub: str, given: dict[str, Any], reason: ReadOnlyReason | None
) -> None:
    settings = {**exam_settings, "hub": hub, "trusted_proxies": (), **given}
    c = Config()
    configure(c, **settings)
    desk = c.E2xHub.earlier.course_desk
    decided = desk.management("prof-ito", (), "machine-learning", "WS26")
    assert asyncio.run(decided).read_only_reason is reason


@pytest.mark.parametrize(
    ("hub", "own_hosts", "reason"),
    [
        ("assignment", "", None),
        ("assignment", "https://hub.example.org", None),
        ("grading", "", ReadOnlyReason.SHARED_HOST),
        ("grading", "https://hub.example.org", None),
    ],
)
def test_members_are_not_changed_where_students_code_runs_on_the_host_of_the_page(
    exam_settings: dict[str, Any], hub: str, own_hosts: str, reason: ReadOnlyReason | None
) -> None:
    c = Config({"JupyterHub": {"subdomain_host": own_hosts} if own_hosts else {}})
    configure(c, **{**exam_settings, "hub": hub, "trusted_proxies": ()})
    desk = c.E2xHub.earlier.course_desk
    decided = desk.management("prof-ito", (), "machine-learning", "WS26")
    assert asyncio.run(decided).read_only_reason is reason


def test_exam_hub_tells_that_another_hub_writes_under_a_pepper_of_its_own(
    exam_settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Pepper(b"o" * 32)
    records = open_exam_records(exam_settings["database_url"], Peppers(other))
    issue(records)
    records.engine.dispose()
    configure(Config(), **exam_settings)
    (told,) = [it.getMessage() for it in caplog.records if "pepper" in it.getMessage()]
    assert f"sealed under the pepper {other.key_id}, which is not in pepper_file" in told
    own = (tmp_path / "pepper").read_text()
    (tmp_path / "pepper").write_text(f"{own}{other.text}\n")
    caplog.clear()
    configure(Config(), **exam_settings)
    assert "pepper" not in caplog.text


def test_hub_that_cannot_change_members_finds_it_at_its_start(
    exam_settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "roster").mkdir()
    (tmp_path / "roster" / ".lock").mkdir()  # as on a volume that is mounted read-only
    (tmp_path / "roster" / "all.csv").write_text(
        "username,course,term,role\nprof-ito,machine-learning,WS26,instructor\n"
    )
    c = Config()
    settings = {**exam_settings, "hub": "assignment", "trusted_proxies": ()}
    configure(c, **{**settings, "roster": str(tmp_path / "roster")})
    desk = c.E2xHub.earlier.course_desk
    wait_until(lambda: "pages of courses are read-only: the roster at" in caplog.text, "it warns")
    decided = desk.management("prof-ito", (), "machine-learning", "WS26")
    assert asyncio.run(decided).read_only_reason is ReadOnlyReason.ROSTER_UNWRITABLE


def test_exam_hub_has_no_desk_for_courses(exam_settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **exam_settings)
    assert c.E2xHub.earlier.course_desk is None
    assert fault_of(Config(), **{**exam_settings, "roster_changes": "off"}) == (
        "roster_changes: an exam hub has no pages of courses; remove roster_changes"
    )


def test_hub_of_courses_starts_while_the_database_of_the_log_is_down(
    exam_settings: dict[str, Any],
) -> None:
    url = "sqlite:////no/such/directory/x"
    c = Config()
    configure(c, **{**exam_settings, "hub": "assignment", "database_url": url})
    desk = c.E2xHub.earlier.course_desk
    place = ("prof-ito", (), "machine-learning", "WS26")
    assert asyncio.run(desk.management(*place)).may_change
    with pytest.raises(DeskUnavailableError, match="Nothing was changed"):
        asyncio.run(desk.change(*place, add=[("emma", "student")]))
