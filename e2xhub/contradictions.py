"""What the chart, or an admin, has set before that contradicts what e2xhub is about to decide.

Each fault names the trait, the value of zero-to-jupyterhub that sets it, and what to do instead. It
is found when the hub starts, so that no examinee finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from posixpath import normpath
from typing import Any

from traitlets.config.loader import LazyConfigValue

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import all_chains, merge_mounts

_CULLER = "jupyterhub-idle-culler"
_CODES = "e2x-otp"
CHARTS_OWN_SIGN_IN = "dummy"  # the chart names it where nobody names another
_SPAWNERS = ("KubeSpawner", "E2xSpawner")
_OUR_LABELS = "e2xhub.org/"


@dataclass(frozen=True, kw_only=True)
class Intended:
    """What e2xhub is told to make of the hub."""

    hub: HubKind
    catalog: Catalog
    staff_authenticator: str


def find_contradictions(c: Any, intended: Intended) -> list[str]:
    """A sentence for each setting in the configuration `c` that cannot hold beside `intended`."""
    checks: list[Callable[[Any, Intended], Iterator[str]]] = [
        _in_profiles,
        _in_mounts,
        _in_shapes,
        _in_labels,
    ]
    if intended.hub is HubKind.EXAM:
        checks += [_in_claims, _in_culling, _in_authenticator, _in_existing_users]
    return [fault for check in checks for fault in check(c, intended)]


def set_value(section: Any, name: str) -> Any:
    """What is set of a trait, also where somebody said `c.….append(…)` or `update`; or None."""
    value = section.get(name)
    if not isinstance(value, LazyConfigValue):
        return value
    # Its `get_value` would keep what is added later from being seen.
    said = value.to_dict()
    return said.get("update") or [*said.get("prepend", ()), *said.get("extend", ())]


def _in_profiles(c: Any, _intended: Intended) -> Iterator[str]:
    for name in _SPAWNERS:
        if set_value(c[name], "profile_list"):
            yield (
                f"{name}.profile_list (singleuser.profileList) and e2xhub both decide what is "
                "offered; remove profile_list and declare courses in the catalog"
            )


def _in_mounts(c: Any, intended: Intended) -> Iterator[str]:
    """The chart's home at the place of the catalog's: every start would be refused."""
    taken = {normpath(place) for name in _SPAWNERS for place in _places_in(c[name])}
    wanted = {
        normpath(mount.mount_at): name
        for chain in all_chains(intended.catalog)
        for name, mount in merge_mounts([level for _, level in chain]).items()
        if intended.hub in mount.hubs
    }
    for place in sorted(taken & wanted.keys()):
        yield (
            f"the catalog's mount {wanted[place]!r} and KubeSpawner.volume_mounts both want "
            f"{place}; set singleuser.storage.type: none, or take the mount out of "
            "singleuser.storage.extraVolumeMounts"
        )


def _in_shapes(c: Any, _intended: Intended) -> Iterator[str]:
    """A mapping of mounts where the chart wants a list comes out as its keys."""
    for name in _SPAWNERS:
        for mount in _mounts_in(c[name]):
            if not isinstance(mount, Mapping):
                yield (
                    f"{name}.volume_mounts (singleuser.storage.extraVolumeMounts) has {mount!r}; "
                    "expected a mapping such as {name: data, mountPath: /srv/data}"
                )


def _in_labels(c: Any, _intended: Intended) -> Iterator[str]:
    """By them e2xhub's policies select pods: one that is set for all pods locks, or frees, all."""
    for name, trait in product(_SPAWNERS, ("extra_labels", "common_labels")):
        labels = set_value(c[name], trait)
        for label in sorted(map(str, labels)) if isinstance(labels, Mapping) else ():
            if label.startswith(_OUR_LABELS):
                yield (
                    f"{name}.{trait} (singleuser.extraLabels) has {label}: "
                    f"{str(labels.get(label))!r}, but e2xhub sets its labels itself, and its "
                    f"NetworkPolicies select pods by them; remove {label}"
                )


def _places_in(section: Any) -> Iterator[str]:
    for mount in _mounts_in(section):
        if isinstance(mount, Mapping) and mount.get("mountPath"):
            yield str(mount["mountPath"])


def _mounts_in(section: Any) -> Iterator[Any]:
    mounts = set_value(section, "volume_mounts") or []
    yield from filter(None, mounts.values() if isinstance(mounts, Mapping) else mounts)


def _in_claims(c: Any, _intended: Intended) -> Iterator[str]:
    """A claim is one per person: what somebody leaves in it would be there in the next exam."""
    for name in _SPAWNERS:
        if c[name].get("storage_pvc_ensure"):
            yield (
                f"{name}.storage_pvc_ensure (singleuser.storage.type: dynamic) gives examinees a "
                "home that they keep from exam to exam; set singleuser.storage.type: none, the "
                "catalog says where an exam's files are"
            )


def _in_culling(c: Any, _intended: Intended) -> Iterator[str]:
    services = set_value(c.JupyterHub, "services") or []
    if any(service.get("name") == _CULLER for service in services):
        yield (
            f"the service {_CULLER} (cull.enabled) would stop the server of an examinee who thinks "
            "for an hour; set cull.enabled: false, e2xhub stops servers when their exam is over"
        )


def _in_authenticator(c: Any, intended: Intended) -> Iterator[str]:
    configured = c.JupyterHub.get("authenticator_class")
    known = (None, "", CHARTS_OWN_SIGN_IN, _CODES, intended.staff_authenticator)
    if configured not in known:
        named = configured if isinstance(configured, str) else getattr(configured, "__name__", "")
        yield (
            f"JupyterHub.authenticator_class is {named!r}, but examinees sign in with one-time "
            "passwords; remove hub.config.JupyterHub.authenticator_class, and set "
            f"custom.e2xhub.staff_authenticator: {named} where staff sign in with it"
        )


def _in_existing_users(c: Any, _intended: Intended) -> Iterator[str]:
    """Every examinee of an earlier exam is one."""
    for name in ("Authenticator", "OneTimePasswordAuthenticator"):
        if c[name].get("allow_existing_users"):
            yield (
                f"{name}.allow_existing_users (hub.config.{name}) would admit whoever was on this "
                "hub before; remove it, the roster says who sits and who watches an exam"
            )
