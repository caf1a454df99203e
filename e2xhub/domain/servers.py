"""What a server is made of: the settings of a level, filled in for one person.

Who gets one is decided in `offers`; how Kubernetes spells it is in `kubernetes.profiles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.servers import ExtraContainer, GitPull, Image, Size, UserIds
from e2xhub.domain.environment import plan_environment
from e2xhub.domain.exam_bar import files_for
from e2xhub.domain.exchange import Exchange, grading_url_of, plan_exchange
from e2xhub.domain.lockdown import Lockdown, plan_lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.roles import Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import EffectivePlacement, Settings
from e2xhub.domain.volumes import (
    RunAs,
    VolumeMount,
    check_places,
    fill_directory,
    mount_around,
    plan_volumes,
)

Sealing = Callable[[tuple[VolumeMount, ...]], tuple[VolumeMount, ...]]
"""Takes from the mounts of a server what nobody may have, or write, whatever the catalog says."""


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A further container of the server's pod."""

    name: str
    image: Image
    container: ExtraContainer
    volume_mounts: tuple[VolumeMount, ...]


@dataclass(frozen=True, kw_only=True)
class SeedCopy:
    """Files that are copied into the server's directories before it starts for the first time."""

    name: str
    volume: str
    source: Mapping[str, Any]
    sub_path: str
    to: str
    """Directory inside the server."""
    target: VolumeMount
    """The mount of the server that holds `to`."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server, as far as the catalog decides it."""

    image: Image
    sizes: Mapping[str, Size]
    volume_mounts: tuple[VolumeMount, ...]
    prepared: tuple[VolumeMount, ...]
    """Directories that are made before it starts, and that it does not see itself."""
    run_as: UserIds
    home: str | None
    """Its home directory; None: the image's own."""
    environment: Mapping[str, str]
    files: Mapping[str, str]
    """Files that nobody writes: names of modules of `e2xhub.in_pod`, by absolute path."""
    network: NetworkClass
    lockdown: Lockdown | None
    """What it may reach; None: its network is `open`."""
    default_url: str | None
    placement: EffectivePlacement
    companions: tuple[Companion, ...]
    seeds: tuple[SeedCopy, ...]
    stop_after_minutes: int | None
    """After how many minutes it is stopped when its owner may no longer have it; None: never."""
    kubespawner_override: Mapping[str, Any]

    @property
    def images(self) -> Iterator[Image]:
        """The images of all containers."""
        yield self.image
        yield from (companion.image for companion in self.companions)


def plan_server(
    catalog: Catalog,
    settings: Settings,
    owner: ServerOwner,
    *,
    network: NetworkClass,
    sealing: Sealing | None = None,
) -> Server:
    """The server of `owner`; raises ValueError and PlacesCollideError as `plan_volumes`."""
    seal = sealing or _leave
    exchange = _plan_exchange(catalog, settings, owner)
    volume_mounts = seal(_plan_mounts(catalog, settings, owner, exchange))
    home = fill_directory(settings.home, owner.values) if settings.home else None
    return Server(
        image=settings.image,
        sizes=settings.sizes,
        volume_mounts=volume_mounts,
        prepared=exchange.prepared,
        run_as=settings.run_as[owner.role],
        home=home,
        environment=plan_environment(settings, owner, home=home, exchange=exchange.environment),
        files={**exchange.files, **files_for(owner)},
        network=network,
        lockdown=plan_lockdown(catalog, settings, network),
        default_url=_opening_url(settings, network, owner),
        placement=settings.placement,
        companions=tuple(_plan_companions(catalog, settings, owner, seal)),
        seeds=tuple(_plan_seeds(catalog, settings, owner, volume_mounts)),
        stop_after_minutes=settings.stop_after_minutes,
        kubespawner_override=settings.kubespawner_override,
    )


def _leave(mounts: tuple[VolumeMount, ...]) -> tuple[VolumeMount, ...]:
    return mounts


def _plan_exchange(catalog: Catalog, settings: Settings, owner: ServerOwner) -> Exchange:
    return plan_exchange(
        catalog,
        settings.nbgrader,
        owner,
        settings.run_as,
        home=settings.home,
        config_path=settings.environment.get("JUPYTER_CONFIG_PATH", ""),
    )


def _plan_mounts(
    catalog: Catalog, settings: Settings, owner: ServerOwner, exchange: Exchange
) -> tuple[VolumeMount, ...]:
    """Those of the catalog, and then those of nbgrader."""
    catalogs = plan_volumes(catalog, settings.mounts, owner, settings.run_as)
    mounts = (*catalogs, *exchange.mounts)
    check_places(mounts)
    return mounts


def _plan_companions(
    catalog: Catalog, settings: Settings, owner: ServerOwner, seal: Sealing
) -> Iterator[Companion]:
    for name, container in settings.extra_containers.items():
        if owner.hub not in container.hubs:
            continue
        mounts = plan_volumes(catalog, container.mounts, owner, _run_companion_as(container))
        sealed = seal(mounts)
        if _has_its_files(container, sealed):
            yield Companion(
                name=name,
                image=catalog.images[container.image],
                container=container,
                volume_mounts=sealed,
            )


def _run_companion_as(container: ExtraContainer) -> RunAs | None:
    """Its directories belong to its own user; which one that is only its image knows otherwise."""
    if container.user is None:
        return None
    return dict.fromkeys(Role, UserIds(user=container.user, group=container.user))


def _has_its_files(container: ExtraContainer, mounts: Iterable[VolumeMount]) -> bool:
    """A database that may not write its files does not start, and no server would beside it."""
    writes = any(mount.access.read_write for mount in container.mounts.values())
    return not writes or any(not mount.read_only for mount in mounts)


def _plan_seeds(
    catalog: Catalog,
    settings: Settings,
    owner: ServerOwner,
    volume_mounts: tuple[VolumeMount, ...],
) -> Iterator[SeedCopy]:
    """The seeds of this person: those whose place they may write to."""
    for name, seed in settings.seeds.items():
        to = fill_directory(seed.to, owner.values)
        target = mount_around(to, volume_mounts)
        if owner.hub in seed.hubs and target is not None and not target.read_only:
            yield SeedCopy(
                name=name,
                volume=seed.volume,
                source=catalog.volumes[seed.volume].source,
                sub_path=fill_directory(seed.path, owner.values),
                to=to,
                target=target,
            )


def _opening_url(settings: Settings, network: NetworkClass, owner: ServerOwner) -> str | None:
    """Where the server opens; it pulls first where it can reach a repository and keep it."""
    pull, opens_at = settings.nbgitpuller, _page_of(settings, owner)
    if pull is None or network is not NetworkClass.OPEN or owner.writes_nothing:
        return opens_at
    return _pulling_url(pull, opens_at)


def _page_of(settings: Settings, owner: ServerOwner) -> str | None:
    """The page that a server shows first; graders grade on a grading hub."""
    grading_url = grading_url_of(settings.nbgrader, owner)
    return grading_url or settings.default_url


def _pulling_url(pull: GitPull, default_url: str | None) -> str:
    """nbgitpuller's own link: https://nbgitpuller.readthedocs.io/en/latest/topic/url-options.html"""
    opens_at = pull.open or (default_url or "").lstrip("/")
    query = {
        "repo": pull.repo,
        "branch": pull.branch,
        "targetPath": pull.directory,
        "urlpath": opens_at,
    }
    return f"/git-pull?{urlencode({key: text for key, text in query.items() if text})}"
