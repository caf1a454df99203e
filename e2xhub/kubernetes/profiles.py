"""An offer in KubeSpawner's words: a profile with the overrides that make its pod.

The shape is that of `KubeSpawner.profile_list`
(https://jupyterhub-kubespawner.readthedocs.io/en/latest/spawner.html).
"""

from __future__ import annotations

from typing import Any

from e2xhub.domain.catalog import Size
from e2xhub.domain.offers import Offer
from e2xhub.domain.volumes import VolumeMount
from e2xhub.kubernetes.labels import make_labels

VOLUME_PREFIX = "e2x-"
"""Begins every key and name of ours, so that they never meet those of the chart or the admin."""


def make_profile(offer: Offer) -> dict[str, Any]:
    """The profile of `offer`: slug, display_name, description, overrides and a choice of sizes."""
    return {
        "slug": offer.slug,
        "display_name": offer.title,
        "description": offer.subtitle,
        "kubespawner_override": _make_overrides(offer),
        "profile_options": {
            "size": {
                "display_name": "Size",
                "choices": {
                    name: {
                        "display_name": size.title,
                        "kubespawner_override": _make_resources(size, guaranteed=offer.is_exam),
                    }
                    for name, size in offer.sizes.items()
                },
            }
        },
    }


def _make_overrides(offer: Offer) -> dict[str, Any]:
    overrides: dict[str, Any] = {
        "image": offer.image.name,
        "image_pull_policy": offer.image.pull_policy,
        "environment": {name: _escape(text) for name, text in offer.environment.items()},
        "extra_labels": make_labels(offer),
        "volumes": {
            _name_of_volume(mount): {"name": _name_of_volume(mount), **_escape(mount.source)}
            for mount in offer.volume_mounts
        },
        "volume_mounts": {
            VOLUME_PREFIX + mount.name: _make_volume_mount(mount) for mount in offer.volume_mounts
        },
    }
    if offer.default_url is not None:
        overrides["default_url"] = _escape(offer.default_url)
    return overrides


def _make_resources(size: Size, *, guaranteed: bool) -> dict[str, Any]:
    """Guarantees and limits; in an exam they are equal, so that the pod is of class Guaranteed."""
    return {
        "mem_guarantee": size.memory,
        "mem_limit": size.memory if guaranteed else size.memory_limit or size.memory,
        "cpu_guarantee": size.cpu,
        "cpu_limit": size.cpu if guaranteed else size.cpu_limit or size.cpu,
    }


def _name_of_volume(mount: VolumeMount) -> str:
    return VOLUME_PREFIX + mount.volume


def _make_volume_mount(mount: VolumeMount) -> dict[str, Any]:
    return {
        "name": _name_of_volume(mount),
        "mountPath": _escape(mount.mount_path),
        "subPath": _escape(mount.sub_path),
        "readOnly": mount.read_only,
    }


def _escape(value: Any) -> Any:
    """`value` with braces doubled: KubeSpawner passes these texts through `str.format`."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, dict):
        return {key: _escape(item) for key, item in value.items()}
    return value
