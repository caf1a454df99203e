"""The part of the catalog that says where files live and who gets them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.values import (
    AbsolutePath,
    ClaimName,
    DirectoryMode,
    DirectoryName,
    MountPathTemplate,
    VolumePathTemplate,
)
from e2xhub.domain.roles import HubKind, Role

COURSE_HUBS = frozenset({HubKind.ASSIGNMENT, HubKind.GRADING})
"""Where something of a course is; an exam hub has only what names it, so that nothing of a course
reaches an exam by accident."""

_SOURCES = frozenset({"nfs", "persistentVolumeClaim", "hostPath", "kubernetes"})
# Kubernetes' sources that end with the pod, or that hold no files of a person.
_ENDS_WITH_THE_POD = frozenset(
    {"emptyDir", "ephemeral", "configMap", "secret", "downwardAPI", "projected", "image", "gitRepo"}
)


class NfsSource(CatalogModel):
    """An NFS export."""

    server: str
    """Name or address of the NFS server, such as `nfs.example.org`."""
    path: AbsolutePath
    """The exported directory, such as `/export/jupyter`."""


class ClaimSource(CatalogModel):
    """An existing PersistentVolumeClaim in the pods' namespace."""

    claimName: ClaimName  # noqa: N815 - as Kubernetes does
    """Name of the PersistentVolumeClaim."""


class HostPathSource(CatalogModel):
    """A directory on the node; for single-node clusters."""

    path: AbsolutePath
    """The directory on the node."""


class Volume(CatalogModel):
    """A place where files live; exactly one kind of source."""

    nfs: NfsSource | None = None
    """An NFS export: `{server: nfs.example.org, path: /export/jupyter}`."""
    persistentVolumeClaim: ClaimSource | None = None  # noqa: N815
    """An existing claim: `{claimName: jupyter-homes}`."""
    hostPath: HostPathSource | None = None  # noqa: N815
    """A directory of the node: `{path: /srv/jupyter}`."""
    kubernetes: Mapping[str, Mapping[str, Any]] | None = None
    """Any other volume source, as it stands in a pod: `{csi: {driver: files.csi.example.org}}` or
    `{emptyDir: {sizeLimit: 1Gi}}`."""
    prepare_directories: bool = True
    """Whether a directory that is new is given to those whom it is for, before the server starts.
    An init container that runs as root does that; with `false` there is none, and directories have
    to exist with the right owner, or the file server has to see to it."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Volume:
        if len(self.model_fields_set & _SOURCES) != 1 or len(self.source) != 1:
            raise ValueError(
                "expected exactly one of nfs, persistentVolumeClaim, hostPath, kubernetes"
            )
        return self

    @cached_property
    def source(self) -> dict[str, Any]:
        """The volume source as Kubernetes spells it, such as `{"nfs": {"server": …}}`."""
        if self.kubernetes is not None:
            return {name: dict(source) for name, source in self.kubernetes.items()}
        return self.model_dump(exclude_none=True, include=set(_SOURCES))

    @property
    def outlives_a_server(self) -> bool:
        """Whether files in it are still there when the server has ended."""
        return not _ENDS_WITH_THE_POD & self.source.keys()


class Access(CatalogModel):
    """Which roles get a mount, and how."""

    read_only: frozenset[Role] = frozenset()
    """Roles that may read, such as `[student, observer]`."""
    read_write: frozenset[Role] = frozenset()
    """Roles that may read and write, such as `[grader, instructor]`."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Access:
        both = sorted(role.value for role in self.read_only & self.read_write)
        if both:
            raise ValueError(f"{', '.join(both)} is in read_only and read_write; expected one")
        writers = sorted(role.value for role in self.read_write if role.is_read_only)
        if writers:
            raise ValueError(f"{', '.join(writers)} writes nothing; expected it in read_only")
        return self


class Mount(CatalogModel):
    """A directory of a volume in the servers of some roles."""

    volume: str
    """Name of a volume of this catalog."""
    path: VolumePathTemplate
    """Directory inside the volume, such as `homes/{username}`; fields: {username}, {course},
    {term}, {exam}, {role}, {hub}."""
    mount_at: MountPathTemplate
    """Directory inside the server, such as `/home/jovyan`."""
    access: Access
    """Who reads and who writes; a role that is not named does not get the mount."""
    hubs: frozenset[HubKind] = COURSE_HUBS
    """Kinds of hub that have this mount. An exam hub has only what names it here, so that no
    file of a course reaches an exam by accident."""
    owner: Role | None = None
    """The role whose user (`run_as`) owns the directory when it is new. Where it is left out, a
    directory with {username} or {role} in its path belongs to whoever it is for, any other to the
    first of `instructor`, `grader` and `student` that writes there. Nothing changes in a directory
    that is there already."""
    mode: DirectoryMode | None = None
    """Permissions of the directory when it is new, in quotes: `"0755"`; `0700` where the path names
    the person, and `0755` elsewhere. Where roles that write are different users with one group
    (`run_as`), `"2775"` lets all of them add files."""
    inner_directories: tuple[DirectoryName, ...] = ()
    """Directories that are made inside, with the same owner and permissions, such as
    `[outbound]`."""


class DataSet(CatalogModel):
    """Files that everybody in the server reads and nobody writes."""

    volume: str
    """Name of a volume of this catalog."""
    path: VolumePathTemplate
    """Directory inside the volume, such as `data/flights`."""
    mount_at: MountPathTemplate | None = None
    """Directory inside the server; `/srv/data/<name>` where it is left out."""
    hubs: frozenset[HubKind] = COURSE_HUBS
    """Kinds of hub that have this data set."""

    def as_mount(self, name: str) -> Mount:
        """The mount that the data set `name` is: read-only for every role."""
        return Mount(
            volume=self.volume,
            path=self.path,
            mount_at=self.mount_at or f"/srv/data/{name}",
            access=Access(read_only=frozenset(Role)),
            hubs=self.hubs,
        )


class Seed(CatalogModel):
    """Files that are copied once into a directory of whoever may write there."""

    volume: str
    """Name of a volume of this catalog."""
    path: VolumePathTemplate
    """Directory inside the volume whose content is copied, such as `seeds/{course}`."""
    to: MountPathTemplate
    """Directory inside the server, in one of the mounts, such as `/home/jovyan/{course}`. A file
    that is there already stays as it is; what a person deletes does not come back."""
    hubs: frozenset[HubKind] = COURSE_HUBS
    """Kinds of hub on which it is copied."""
