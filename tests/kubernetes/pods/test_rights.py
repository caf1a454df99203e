"""The table of rights in docs/topics/pods.md, row by row, on pods as they would be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import V1Container, V1SecurityContext, V1Volume, V1VolumeMount

from e2xhub.domain.catalog.servers import Image
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.pods import UnsafePodError
from tests.kubernetes.parts.test_parts_of_a_pod import pod_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAGE = Path(__file__).parents[3] / "docs" / "topics" / "pods.md"
ROW = re.compile(r"^\| ([^|]+) \| (left|taken away|refused) \| (left|taken away|refused) \|", re.M)
TABLE = {what: (in_open, in_locked) for what, in_open, in_locked in ROW.findall(PAGE.read_text())}
SOCKET = "/run/containerd/containerd.sock"
MULTUS = "k8s.v1.cni.cncf.io/networks"
CILIUM = "policy.cilium.io/no-track-port"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/mine"

Spec = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """How a hook gives a pod what the row is about, and whether it is in what is sent."""

    give: Callable[[Any], None]
    is_in: Callable[[dict[str, Any]], Any]


def of_spec(attribute: str, key: str, value: Any) -> Row:
    return Row(
        lambda pod: setattr(pod.spec, attribute, value),
        lambda pod: pod["spec"].get(key) == value,
    )


def of_container(security: Spec, **fields: Any) -> Row:
    """A container of the admin; a mapping, as hooks write them."""
    container = {"name": "mine", "image": "mine:1", "securityContext": security, **fields}

    def is_in(pod: dict[str, Any]) -> bool:
        sent = pod["spec"]["containers"][-1]
        return sent.get("securityContext", {}).items() >= security.items() and all(
            sent[key] == value for key, value in fields.items()
        )

    return Row(lambda pod: pod.spec.containers.append(container), is_in)


def of_volume(source: Spec) -> Row:
    def give(pod: Any) -> None:
        pod.spec.volumes.append({"name": "mine", **source})
        pod.spec.containers[0].volume_mounts.append({"name": "mine", "mountPath": "/mnt/mine"})

    return Row(give, lambda pod: pod["spec"]["volumes"][-1] == {"name": "mine", **source})


def _keeps_capabilities(pod: dict[str, Any]) -> bool:
    return "capabilities" not in pod["spec"]["containers"][-1].get("securityContext", {})


ROWS = {
    "`hostNetwork`": of_spec("host_network", "hostNetwork", True),
    "`hostPID`": of_spec("host_pid", "hostPID", True),
    "`hostIPC`": of_spec("host_ipc", "hostIPC", True),
    "a container's `privileged`": of_container({"privileged": True}),
    "added capabilities": of_container({"capabilities": {"add": ["NET_ADMIN"]}}),
    "`hostPort`": of_container({}, ports=[{"containerPort": 80, "hostPort": 80}]),
    "`procMount: Unmasked`": of_container({"procMount": "Unmasked"}),
    "`seLinuxOptions` of another type, user or role": of_container(
        {"seLinuxOptions": {"type": "spc_t"}}
    ),
    "a node's directory that the catalog does not declare": of_volume(
        {"hostPath": {"path": SOCKET}}
    ),
    "a node's directory that the catalog declares": Row(
        lambda pod: None, lambda pod: _source_of(pod, "e2x-files") == {"hostPath": {"path": "/srv"}}
    ),
    "`shareProcessNamespace`": of_spec("share_process_namespace", "shareProcessNamespace", True),
    "another service account than `default`": of_spec(
        "service_account_name", "serviceAccountName", "cloud"
    ),
    "`automountServiceAccountToken`": of_spec(
        "automount_service_account_token", "automountServiceAccountToken", True
    ),
    "a projected token or certificate for the cluster": of_volume(
        {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    ),
    "ephemeral containers": of_spec(
        "ephemeral_containers", "ephemeralContainers", [{"name": "debug", "image": "debug:1"}]
    ),
    "a further network of Multus": Row(
        lambda pod: pod.metadata.annotations.update({MULTUS: "campus"}),
        lambda pod: pod["metadata"]["annotations"].get(MULTUS) == "campus",
    ),
    "an annotation of another network plug-in": Row(
        lambda pod: pod.metadata.annotations.update({CILIUM: "TCP/443"}),
        lambda pod: pod["metadata"]["annotations"].get(CILIUM) == "TCP/443",
    ),
    "resource claims": of_spec("resource_claims", "resourceClaims", [{"name": "second-network"}]),
    "an extended resource that no size of the offer names": of_container(
        {}, resources={"limits": {"cpu": "1", "memory": "1Gi", "example.org/second-network": "1"}}
    ),
    "the hub's name, `localhost` or the pod's own at another address": of_spec(
        "host_aliases", "hostAliases", [{"ip": "10.6.6.6", "hostnames": ["localhost"]}]
    ),
    "`allowPrivilegeEscalation: true`": of_container({"allowPrivilegeEscalation": True}),
    "capabilities that a container does not drop": replace(
        of_container({}), is_in=_keeps_capabilities
    ),
    "seccomp `Unconfined`": of_container({"seccompProfile": {"type": "Unconfined"}}),
    "AppArmor `Unconfined`": of_container({"appArmorProfile": {"type": "Unconfined"}}),
    "`runAsUser: 0` in a container of yours": of_container({"runAsUser": 0}),
}


def _source_of(pod: dict[str, Any], volume: str) -> Spec:
    (found,) = (dict(one) for one in pod["spec"]["volumes"] if one["name"] == volume)
    assert found.pop("name") == volume
    return found


@pytest.fixture
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """A server on an open network; its home is on a directory of the node."""
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)
    return _on_the_node(offer)


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    return _on_the_node(exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine))


def _on_the_node(offer: Offer) -> Offer:
    mounts = [
        replace(mount, source={"hostPath": {"path": "/srv"}}) if mount.volume == "files" else mount
        for mount in offer.server.volume_mounts
    ]
    return replace(offer, server=replace(offer.server, volume_mounts=tuple(mounts)))


def _in_class(offer: Offer, network: NetworkClass) -> Offer:
    return replace(offer, server=replace(offer.server, network=network))


async def _send(offer: Offer, give: Callable[[Any], None]) -> dict[str, Any]:
    def modify(_spawner: Any, pod: Any) -> Any:
        give(pod)
        return pod

    return await pod_of(offer, modify_pod_hook=modify)


async def _outcome(offer: Offer, row: Row) -> str:
    try:
        pod = await _send(offer, row.give)
    except UnsafePodError:
        return "refused"
    return "left" if row.is_in(pod) else "taken away"


def test_every_row_of_the_table_is_tried_out() -> None:
    assert TABLE.keys() == ROWS.keys()


@pytest.mark.parametrize("what", ROWS)
async def test_table_says_what_happens(learning: Offer, exam: Offer, what: str) -> None:
    in_open, in_locked = TABLE[what]
    assert await _outcome(learning, ROWS[what]) == in_open
    assert await _outcome(_in_class(learning, NetworkClass.NO_INTERNET), ROWS[what]) == in_locked
    assert await _outcome(exam, ROWS[what]) == in_locked


async def test_server_has_no_right_that_it_does_not_need(learning: Offer, exam: Offer) -> None:
    for offer in (learning, exam):
        spec = (await pod_of(offer))["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["containers"][0]["securityContext"] == {
            "runAsUser": offer.server.run_as.user,
            "runAsGroup": offer.server.run_as.group,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
        }


@pytest.mark.parametrize(
    ("network", "left"),
    [
        (NetworkClass.OPEN, None),
        (NetworkClass.NO_INTERNET, {"drop": ["NET_RAW"]}),
        (NetworkClass.EXAM, {"drop": ["ALL"]}),
    ],
)
async def test_image_that_needs_capabilities_keeps_them_but_not_in_an_exam(
    learning: Offer, network: NetworkClass, left: Any
) -> None:
    image = Image(name="registry.example.org/root:1", drop_capabilities=False)
    offer = _in_class(learning, network)
    offer = replace(offer, server=replace(offer.server, image=image))
    server = (await pod_of(offer))["spec"]["containers"][0]
    assert server["securityContext"].get("capabilities") == left


async def test_sudo_keeps_the_capabilities_that_it_gains(learning: Offer) -> None:
    pod = await pod_of(learning, allow_privilege_escalation=True)
    security = pod["spec"]["containers"][0]["securityContext"]
    assert security["allowPrivilegeEscalation"] is True
    assert "capabilities" not in security


async def test_what_the_admin_says_of_the_server_stays_on_an_open_network(learning: Offer) -> None:
    said = {"capabilities": {"add": ["SYS_PTRACE"]}, "runAsNonRoot": False}
    pod = await pod_of(
        learning,
        container_security_context=said,
        pod_security_context={"seccompProfile": {"type": "Unconfined"}},
    )
    assert pod["spec"]["containers"][0]["securityContext"].items() >= said.items()
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "Unconfined"}


async def test_privileged_server_of_an_open_network_is_one_that_kubernetes_takes(
    learning: Offer,
) -> None:
    pod = await pod_of(learning, privileged=True, allow_privilege_escalation=None)
    security = pod["spec"]["containers"][0]["securityContext"]
    assert security["privileged"] is True
    assert "allowPrivilegeEscalation" not in security  # false would be refused beside it


async def test_catalog_may_name_a_service_account_on_an_open_network(learning: Offer) -> None:
    named = replace(learning.server, kubespawner_override={"service_account": "cloud"})
    spec = (await pod_of(replace(learning, server=named)))["spec"]
    assert spec["serviceAccountName"] == "cloud"
    assert "automountServiceAccountToken" not in spec
    spec = (await pod_of(learning, service_account="of-the-chart"))["spec"]
    assert spec["serviceAccountName"] == "of-the-chart"
    assert spec["automountServiceAccountToken"] is False


async def test_pod_wide_exceptions_are_taken_from_a_locked_pod(exam: Offer) -> None:
    unconfined = {"type": "Unconfined"}
    pod = await pod_of(
        exam,
        pod_security_context={"seccompProfile": unconfined, "appArmorProfile": unconfined},
        extra_annotations={APP_ARMOR: "unconfined", "team": "hub"},
    )
    assert pod["spec"]["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert APP_ARMOR not in pod["metadata"]["annotations"]
    assert pod["metadata"]["annotations"]["team"] == "hub"


async def test_profile_of_the_admins_own_stays_in_an_exam(exam: Offer) -> None:
    own = {"type": "Localhost", "localhostProfile": "profiles/jupyter.json"}
    pod = await pod_of(exam, pod_security_context={"seccompProfile": own})
    assert pod["spec"]["securityContext"]["seccompProfile"] == own


async def test_sidecar_that_is_an_object_is_a_container_like_any_other(exam: Offer) -> None:
    security = V1SecurityContext(privileged=True)
    mounts = [V1VolumeMount(name="mine", mount_path="/mnt")]
    socket = V1Volume(name="mine", host_path={"path": SOCKET})

    def give(pod: Any) -> None:
        pod.spec.containers.append(
            V1Container(name="mine", security_context=security, volume_mounts=mounts)
        )
        pod.spec.volumes.append(socket)

    expected = f"has the privileged container 'mine', the node's directory {SOCKET}; the network"
    with pytest.raises(UnsafePodError, match=re.escape(expected)):
        await _send(exam, give)


@pytest.mark.parametrize("spelling", ["securityContext", "security_context"])
async def test_both_spellings_of_a_mapping_are_read(exam: Offer, spelling: str) -> None:
    container = {"name": "mine", "image": "mine:1", spelling: {"privileged": True}}
    with pytest.raises(UnsafePodError, match="the privileged container 'mine'"):
        await _send(exam, lambda pod: pod.spec.containers.append(container))


async def test_what_kubernetes_would_drop_holds_nothing_back(exam: Offer) -> None:
    def give(pod: Any) -> None:
        pod.spec.security_context = {"seccomp_profile": {"type": "RuntimeDefault"}}

    pod = await _send(exam, give)
    assert pod["spec"]["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


async def test_what_a_hook_keeps_for_all_pods_is_not_changed(exam: Offer, learning: Offer) -> None:
    of_the_hook = V1Container(name="mine", image="mine:1", security_context=V1SecurityContext())
    mapping = {"name": "his", "image": "his:1", "securityContext": {}, "resources": {}}

    def give(pod: Any) -> None:
        pod.spec.containers += [of_the_hook, mapping]

    await _send(exam, give)
    assert of_the_hook.resources is None
    assert of_the_hook.security_context.allow_privilege_escalation is None
    assert mapping == {"name": "his", "image": "his:1", "securityContext": {}, "resources": {}}
    sent = await _send(learning, give)
    assert sent["spec"]["containers"][1:] == [
        {"name": "mine", "image": "mine:1", "securityContext": {}},
        mapping,
    ]


async def test_seeds_and_rights_are_the_servers_wherever_a_hook_puts_it(exam: Offer) -> None:
    sidecar = {"name": "first", "image": "first:1"}
    pod = await _send(exam, lambda pod: pod.spec.containers.insert(0, sidecar))
    server = pod["spec"]["containers"][1]
    assert (server["name"], server["securityContext"]["runAsNonRoot"]) == ("notebook", True)


@pytest.mark.parametrize("user", [0, None])
async def test_only_who_is_known_to_be_an_ordinary_user_must_be_one(
    learning: Offer, user: int | None
) -> None:
    """A node refuses root that must not be root, and a user whom only the image knows."""
    said = {} if user is None else {"runAsUser": user}
    companion = {"name": "e2x-side-database", "image": "d:1", "securityContext": said}
    pod = await _send(learning, lambda pod: pod.spec.containers.append(companion))
    assert "runAsNonRoot" not in pod["spec"]["containers"][-1]["securityContext"]


async def test_locked_pod_has_no_token_of_the_default_account_either(exam: Offer) -> None:
    named = replace(exam.server, kubespawner_override={"service_account": "default"})
    spec = (await pod_of(replace(exam, server=named)))["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("default", False)


@pytest.mark.parametrize(
    "row",
    [
        of_volume({"projected": {"sources": [{"podCertificate": {"signerName": "x/y"}}]}}),
        of_container({"seLinuxOptions": {"user": "system_u"}}),
        of_container({"seLinuxOptions": {"role": "sysadm_r"}}),
        Row(
            lambda pod: pod.metadata.annotations.update({"v1.multus-cni.io/default-network": "x"}),
            lambda pod: True,
        ),
    ],
    ids=["certificate", "selinux-user", "selinux-role", "multus-default"],
)
async def test_other_forms_of_the_same_are_refused_too(exam: Offer, row: Row) -> None:
    assert await _outcome(exam, row) == "refused"


@pytest.mark.parametrize(
    "key",
    [
        *("k8s.v1.cni.cncf.io/networks", "kubernetes.v1.cni.cncf.io/networks"),
        *("v1.multus-cni.io/default-network", "networking.gke.io/interfaces"),
        *("ovn.kubernetes.io/logical_switch", "net.ns.ovn.kubernetes.io/logical_switch"),
        *("k8s.ovn.org/pod-networks", "k8s.ovn.org/primary-udn-ipamclaim"),
        *("cilium.io/x", "network.cilium.io/fib-table-id", "io.cilium.no-track-port"),
        *("cni.projectcalico.org/ipAddrsNoIpam", "ipam.antrea.io/ippools"),
        *("vpc.amazonaws.com/pod-eni", "tke.cloud.tencent.com/networks"),
        *("danm.k8s.io/interfaces", "networkservicemesh.io"),
    ],
)
async def test_annotation_of_a_network_is_refused_by_its_domain(exam: Offer, key: str) -> None:
    with pytest.raises(UnsafePodError, match=rf"has the annotation {re.escape(key)}; the network"):
        await _send(exam, lambda pod: pod.metadata.annotations.update({key: "x"}))


@pytest.mark.parametrize(
    "key",
    [
        *("kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"),
        *("notcilium.io/x", "cilium.io.example.org/x", "example.org/cilium.io", "team"),
    ],
)
async def test_other_annotations_stay_in_an_exam(exam: Offer, key: str) -> None:
    pod = await _send(exam, lambda pod: pod.metadata.annotations.update({key: "1M"}))
    assert pod["metadata"]["annotations"][key] == "1M"


GPU = "nvidia.com/gpu"


def _with_gpus(offer: Offer) -> Offer:
    sizes = {
        name: size.model_copy(update={"extra_resources": {GPU: 1}})
        for name, size in offer.server.sizes.items()
    }
    return replace(offer, server=replace(offer.server, sizes=sizes))


def _asking(place: str, **resources: Any) -> Callable[[Any], None]:
    container = {"name": "mine", "image": "mine:1", "resources": resources}
    return lambda pod: getattr(pod.spec, place).append(container)


async def test_resource_of_a_size_is_given_and_others_are_not(exam: Offer) -> None:
    pod = await _send(_with_gpus(exam), _asking("containers", limits={GPU: "1"}))
    assert pod["spec"]["containers"][-1]["resources"]["limits"][GPU] == "1"
    expected = (
        "has the resource ovs-cni.network.kubevirt.io/br1 of container 'mine', which no size of "
        "the catalog names; the network class 'exam'"
    )
    for place in ("containers", "init_containers"):
        for key in ("limits", "requests"):
            asked = {key: {GPU: "1", "ovs-cni.network.kubevirt.io/br1": "1"}}
            with pytest.raises(UnsafePodError, match=expected):
                await _send(_with_gpus(exam), _asking(place, **asked))


async def test_resources_without_domain_are_no_devices(exam: Offer) -> None:
    asked = {"hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"}
    pod = await _send(exam, _asking("containers", limits=asked))
    assert pod["spec"]["containers"][-1]["resources"]["limits"].items() >= asked.items()


@pytest.mark.parametrize("place", ["containers", "init_containers"])
async def test_claims_of_a_container_are_refused(exam: Offer, place: str) -> None:
    with pytest.raises(UnsafePodError, match="has the resource claims of container 'mine'; the"):
        await _send(_with_gpus(exam), _asking(place, claims=[{"name": "second-network"}]))


async def test_pod_that_is_finished_twice_is_as_finished_once(exam: Offer) -> None:
    once = await pod_of(exam)
    again = await _send(exam, lambda pod: None)
    assert again == once
