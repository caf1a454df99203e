"""What chart and admin configured at a spawner, beside what an offer adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from posixpath import normpath
from typing import Any

from e2xhub.domain.offers import Offer
from e2xhub.errors import ConfigurationError
from e2xhub.kubernetes.names import MERGED_BY_KEY, keyed


class ConfiguredTraits:
    """Remembers traits while an offer changes them, so that offers do not leak into each other."""

    def __init__(self, spawner: Any) -> None:
        self._spawner = spawner
        self._values: dict[str, Any] = {}

    def remember(self, names: Iterable[str]) -> None:
        """Remembers the traits `names`, and gives those that are lists the form that merges."""
        for name in names:
            value = getattr(self._spawner, name)
            self._values.setdefault(name, deepcopy(value))
            if name in MERGED_BY_KEY and not isinstance(value, dict):
                # KubeSpawner would replace a list by our dict, and lose what it holds.
                setattr(self._spawner, name, keyed("configured", value))

    def restore(self) -> None:
        """Makes the traits what they were."""
        for name, value in self._values.items():
            setattr(self._spawner, name, value)
        self._values = {}


def names_in(profile: Mapping[str, Any]) -> set[str]:
    """The traits that `profile`, or one of its sizes, changes."""
    overrides = [profile["kubespawner_override"]]
    sizes = profile["profile_options"]["size"]["choices"].values()
    overrides += [size["kubespawner_override"] for size in sizes]
    return {name for override in overrides for name in override}


def check_places(offer: Offer, configured: Iterable[Mapping[str, Any]]) -> None:
    """Raises ConfigurationError where `configured` mounts take a place that the offer wants."""
    taken = {normpath(str(mount.get("mountPath", ""))) for mount in configured}
    for mount in offer.server.volume_mounts:
        if mount.mount_path in taken:
            raise ConfigurationError(
                f"the catalog's mount {mount.name!r} and KubeSpawner.volume_mounts both want "
                f"{mount.mount_path}; with zero-to-jupyterhub set singleuser.storage.type: none"
            )
