"""The rights that every pod is without, and those that a locked pod loses.

docs/topics/pods.md says of each why. What cannot be taken away without breaking what somebody meant
is refused instead (`kubernetes.pods.escapes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.names import PREFIX, SERVER, SIDE_PREFIX
from e2xhub.kubernetes.pods.fields import (
    containers_of,
    lasting_containers,
    own_part,
    read,
    write,
)

_APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_RUNTIME_DEFAULT = {"type": "RuntimeDefault"}
_EVERY = "ALL"
# Raw packets may claim to be from another pod.
_RAW_PACKETS = "NET_RAW"


def take_rights_away(spec: Any, offer: Offer) -> None:
    """Leaves the pod of `offer` with the rights that its server needs; its containers must be own
    ones (`own_containers`)."""
    is_locked = offer.server.network is not NetworkClass.OPEN
    if is_locked or not _may_have_token(offer):
        write(spec, "automountServiceAccountToken", False)
    pod = own_part(spec, "securityContext")
    if read(pod, "seccompProfile") is None or (is_locked and _is_unconfined(pod, "seccompProfile")):
        write(pod, "seccompProfile", dict(_RUNTIME_DEFAULT))
    if is_locked:
        _take_off_app_armor_exception(pod)
    keeping = _names_that_keep_capabilities(offer)
    for container in lasting_containers(spec) if is_locked else ():
        _lock(container, keeps_some=read(container, "name") in keeping)
    for container in containers_of(spec):
        if _is_ours(container):
            _clean(container, pod, keeps_some=read(container, "name") in keeping)


def confined_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """`annotations` without those that take AppArmor off a container."""
    return {
        key: text
        for key, text in annotations.items()
        if not (key.startswith(_APP_ARMOR_ANNOTATION) and text == "unconfined")
    }


def _may_have_token(offer: Offer) -> bool:
    """Whether the catalog itself names a service account, and so what its token is for."""
    return bool(offer.server.kubespawner_override.get("service_account"))


def _names_that_keep_capabilities(offer: Offer) -> set[str]:
    """Containers of images that do not start without capabilities; in an exam there is none."""
    if offer.server.network is NetworkClass.EXAM:
        return set()
    keeping = {
        SIDE_PREFIX + companion.name
        for companion in offer.server.companions
        if not companion.image.drop_capabilities
    }
    return keeping if offer.server.image.drop_capabilities else {SERVER, *keeping}


def _is_ours(container: Any) -> bool:
    name = str(read(container, "name"))
    return name == SERVER or name.startswith(PREFIX)


def _clean(container: Any, pod: Any, *, keeps_some: bool) -> None:
    """What a container of ours does not need; what is said of one stays as it is said."""
    security = own_part(container, "securityContext")
    if read(security, "privileged"):  # which means all of them
        return
    if read(security, "allowPrivilegeEscalation") is None:
        write(security, "allowPrivilegeEscalation", False)
    # To gain rights, as sudo does, there must be some.
    may_gain = read(security, "allowPrivilegeEscalation")
    if not keeps_some and not may_gain and read(security, "capabilities") is None:
        write(security, "capabilities", {"drop": [_EVERY]})
    if read(security, "runAsNonRoot") is None and _user_of(security, pod):
        write(security, "runAsNonRoot", True)


def _user_of(security: Any, pod: Any) -> Any:
    """The id of the user as whom a container runs; None where only its image knows."""
    own = read(security, "runAsUser")
    return read(pod, "runAsUser") if own is None else own


def _lock(container: Any, *, keeps_some: bool) -> None:
    """What no container that lasts may have beside a locked server, whoever added it."""
    security = own_part(container, "securityContext")
    write(security, "allowPrivilegeEscalation", False)
    capabilities = own_part(security, "capabilities")
    dropped = read(capabilities, "drop") or []
    write(capabilities, "drop", sorted({*dropped, _RAW_PACKETS}) if keeps_some else [_EVERY])
    if _is_unconfined(security, "seccompProfile"):
        write(security, "seccompProfile", None)  # the pod's holds then
    _take_off_app_armor_exception(security)


def _is_unconfined(security: Any, profile: str) -> bool:
    return bool(read(security, profile, "type") == "Unconfined")


def _take_off_app_armor_exception(security: Any) -> None:
    # To ask for the default by name would keep the pod from nodes without AppArmor.
    if _is_unconfined(security, "appArmorProfile"):
        write(security, "appArmorProfile", None)
