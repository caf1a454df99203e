"""An offer in KubeSpawner's words: a profile with the overrides that make its pod.

The shape is that of `KubeSpawner.profile_list`
(https://jupyterhub-kubespawner.readthedocs.io/en/latest/spawner.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from e2xhub.domain.catalog.servers import Size
from e2xhub.domain.offers import Offer
from e2xhub.domain.servers import SeedCopy, Server
from e2xhub.domain.volumes import VolumeMount
from e2xhub.in_pod import read_module
from e2xhub.kubernetes.labels import make_labels
from e2xhub.kubernetes.names import PREFIX, SEED_PREFIX, escape, name_of_volume
from e2xhub.kubernetes.parts.containers import (
    make_companion_container,
    make_seed_container,
    make_volume_mount,
)
from e2xhub.kubernetes.parts.directories import NAME as DIRECTORIES
from e2xhub.kubernetes.parts.directories import make_directories_container
from e2xhub.kubernetes.parts.files import make_file_traits
from e2xhub.kubernetes.parts.overrides import make_overrides
from e2xhub.kubernetes.parts.placement import make_placement

_SEARCH_PATH = "JUPYTER_CONFIG_PATH"


def make_profile(offer: Offer) -> dict[str, Any]:
    """The profile of `offer`: slug, display_name, description, overrides and a choice of sizes."""
    return {
        "slug": offer.slug,
        "display_name": offer.title,
        "description": offer.subtitle,
        "kubespawner_override": _make_traits(offer),
        "profile_options": {
            "size": {
                "display_name": "Size",
                "choices": {
                    name: {
                        "display_name": size.title,
                        "kubespawner_override": _make_resources(size, guaranteed=offer.is_exam),
                    }
                    for name, size in offer.server.sizes.items()
                },
            }
        },
    }


def _make_traits(offer: Offer) -> dict[str, Any]:
    server = offer.server
    files = make_file_traits({path: read_module(name) for path, name in server.files.items()})
    traits = make_overrides(server.kubespawner_override)
    traits |= {
        **_make_user(server),
        "image": server.image.name,
        "image_pull_policy": server.image.pull_policy,
        "environment": _add_search_path(
            {name: escape(text) for name, text in server.environment.items()}
        ),
        "extra_labels": {**traits.get("extra_labels", {}), **make_labels(offer)},
        "extra_annotations": {
            **traits.get("extra_annotations", {}),
            **files.get("extra_annotations", {}),
        },
        "volumes": {**dict(_make_volumes(server)), **files.get("volumes", {})},
        "volume_mounts": {
            **{PREFIX + mount.name: make_volume_mount(mount) for mount in server.volume_mounts},
            **files.get("volume_mounts", {}),
        },
        "init_containers": {**traits.get("init_containers", {}), **_make_preparation(server)},
        "extra_containers": {
            **traits.get("extra_containers", {}),
            **{
                f"{PREFIX}{companion.name}": make_companion_container(companion)
                for companion in server.companions
            },
        },
        **make_placement(server.placement),
    }
    secrets = [name for image in server.images for name in image.pull_secrets]
    if secrets:
        traits["image_pull_secrets"] = _add_secrets(secrets)
    if server.default_url is not None:
        traits["default_url"] = escape(server.default_url)
    return traits


def _make_user(server: Server) -> dict[str, Any]:
    traits: dict[str, Any] = {"uid": server.run_as.user, "gid": server.run_as.group}
    # The one text that KubeSpawner does not pass through `str.format` at this point.
    return traits | {"working_dir": server.home} if server.home else traits


def _make_preparation(server: Server) -> dict[str, dict[str, Any]]:
    """What happens before the server starts, in the order of the keys: directories, then seeds."""
    mounts = [*server.prepared, *_mounts_of_containers(server)]
    directories = make_directories_container(mounts, server.image)
    seeds = {
        SEED_PREFIX + seed.name: make_seed_container(seed, server.image, server.run_as)
        for seed in server.seeds
    }
    return {DIRECTORIES: directories, **seeds} if directories else seeds


def _add_search_path(
    environment: dict[str, str],
) -> dict[str, str] | Callable[[Any], dict[str, str]]:
    """A trait's value that may need the spawner: where the hub has Jupyter look besides stays."""
    if _SEARCH_PATH not in environment:
        return environment

    def join(spawner: Any) -> dict[str, str]:
        configured = spawner.environment.get(_SEARCH_PATH)
        if not isinstance(configured, str):
            return environment
        return {**environment, _SEARCH_PATH: f"{environment[_SEARCH_PATH]}:{configured}"}

    return join


def _make_resources(size: Size, *, guaranteed: bool) -> dict[str, Any]:
    """Guarantees and limits; in an exam they are equal, so that the pod is of class Guaranteed."""
    extra = {name: str(count) for name, count in size.extra_resources.items()}
    traits: dict[str, Any] = {
        "mem_guarantee": size.memory,
        "mem_limit": size.memory if guaranteed else size.memory_limit or size.memory,
        "cpu_guarantee": size.cpu,
        "cpu_limit": size.cpu if guaranteed else size.cpu_limit or size.cpu,
    }
    if extra:
        traits |= {"extra_resource_guarantees": extra, "extra_resource_limits": extra}
    return traits


def _make_volumes(server: Server) -> Iterator[tuple[str, dict[str, Any]]]:
    """The volumes of all containers, each once."""
    mounts: list[VolumeMount | SeedCopy] = [
        *_mounts_of_containers(server),
        *server.prepared,
        *server.seeds,
    ]
    for mount in mounts:
        name = name_of_volume(mount.volume)
        yield name, {"name": name, **escape(mount.source)}


def _mounts_of_containers(server: Server) -> Iterator[VolumeMount]:
    yield from server.volume_mounts
    for companion in server.companions:
        yield from companion.volume_mounts


def _add_secrets(names: list[str]) -> Callable[[Any], list[Any]]:
    """A trait's value that needs the spawner: what the hub uses for every image stays."""

    def join(spawner: Any) -> list[Any]:
        configured = spawner.image_pull_secrets or []
        listed = [configured] if isinstance(configured, str) else list(configured)
        return [*listed, *(name for name in dict.fromkeys(names) if name not in listed)]

    return join
