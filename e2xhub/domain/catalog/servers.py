"""The part of the catalog that says what a server is: image, size, placement, companions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.values import (
    Cpu,
    EnvironmentName,
    GitUrl,
    ImageName,
    LabelName,
    LabelValue,
    Memory,
    MountName,
    ResourceCount,
    ResourceName,
    SecretName,
    Title,
    refuse_truth_values,
)
from e2xhub.domain.catalog.volumes import COURSE_HUBS, Mount
from e2xhub.domain.roles import HubKind

_HIGHEST_ID = 2**31 - 1


class Image(CatalogModel):
    """A container image that servers may run."""

    name: ImageName
    """Repository with tag or digest."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When a node pulls the image: `Always`, `IfNotPresent` or `Never`."""
    pull_secrets: tuple[SecretName, ...] = ()
    """Names of Secrets in the pods' namespace with which a node signs in to the registry; those
    that the hub has for all images are used besides."""
    drop_capabilities: bool = True
    """Whether its containers run without any capability of Linux, as images that start as an
    ordinary user can; `false` for one that needs some. In an exam it is always so."""

    @property
    def is_pinned(self) -> bool:
        """Whether the name means the same content for ever."""
        return "@sha256:" in self.name


class Size(CatalogModel):
    """How much memory and CPU a server gets."""

    title: Title
    """What the spawn page shows, such as `Small (1 GB)`."""
    memory: Memory
    """Guaranteed memory, such as `1G`."""
    memory_limit: Memory | None = None
    """Most memory the server may use; the same as `memory` where it is left out."""
    cpu: Cpu
    """Guaranteed CPU cores, such as `0.5`."""
    cpu_limit: Cpu | None = None
    """Most CPU cores the server may use; the same as `cpu` where it is left out."""
    extra_resources: Mapping[ResourceName, ResourceCount] = Field(default_factory=dict)
    """GPUs and other extended resources of the nodes, such as `{nvidia.com/gpu: 1}`."""

    @model_validator(mode="after")
    def _limits_reach_the_guarantees(self) -> Size:
        if self.memory_limit is not None and self.memory_limit < self.memory:
            raise ValueError("memory_limit is below memory; expected at least as much")
        if self.cpu_limit is not None and self.cpu_limit < self.cpu:
            raise ValueError("cpu_limit is below cpu; expected at least as much")
        return self


class UserIds(CatalogModel):
    """As whom a server runs, and to whom its new directories belong."""

    user: Annotated[int, BeforeValidator(refuse_truth_values), Field(ge=1, le=_HIGHEST_ID)]
    """Id of the user, such as `1000`; never 0."""
    group: Annotated[int, BeforeValidator(refuse_truth_values), Field(ge=0, le=_HIGHEST_ID)]
    """Id of its group, such as `100`."""


class Toleration(CatalogModel):
    """A taint of nodes that the servers bear, as Kubernetes spells it."""

    key: str | None = None
    """The taint's key; all taints where it is left out (with `operator: Exists`)."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """`Equal` compares `value`; `Exists` takes any."""
    value: str | None = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; all effects where it is left out."""
    tolerationSeconds: int | None = None  # noqa: N815 - as Kubernetes does
    """How long a `NoExecute` is borne, in seconds; for ever where it is left out."""

    @model_validator(mode="after")
    def _is_one_for_kubernetes(self) -> Toleration:
        if self.operator == "Equal" and not self.key:
            raise ValueError("a toleration without key needs 'operator: Exists'")
        if self.operator == "Exists" and self.value:
            raise ValueError("'operator: Exists' takes any value; remove 'value'")
        return self


class NodeSelector(CatalogModel):
    """What nodes must be, as Kubernetes spells it."""

    nodeSelectorTerms: tuple[Mapping[str, Any], ...]  # noqa: N815
    """Terms of which one must hold, such as `[{matchExpressions: [{key: gpu, operator:
    Exists}]}]`."""


class NodeAffinity(CatalogModel):
    """Which nodes the servers are drawn to."""

    requiredDuringSchedulingIgnoredDuringExecution: NodeSelector | None = None  # noqa: N815
    """Where alone a server may run."""
    preferredDuringSchedulingIgnoredDuringExecution: tuple[Mapping[str, Any], ...] = ()  # noqa: N815
    """Where it had better run: a list of `{weight, preference}`."""


class PodAffinity(CatalogModel):
    """Which pods the servers are drawn to, or kept away from."""

    requiredDuringSchedulingIgnoredDuringExecution: tuple[Mapping[str, Any], ...] = ()  # noqa: N815
    """Where alone a server may run: a list of pod affinity terms."""
    preferredDuringSchedulingIgnoredDuringExecution: tuple[Mapping[str, Any], ...] = ()  # noqa: N815
    """Where it had better run: a list of `{weight, podAffinityTerm}`."""


class Affinity(CatalogModel):
    """Affinities as Kubernetes spells them in a pod; they are demanded besides the hub's own."""

    nodeAffinity: NodeAffinity = NodeAffinity()  # noqa: N815
    """Nodes."""
    podAffinity: PodAffinity = PodAffinity()  # noqa: N815
    """Pods to be near to."""
    podAntiAffinity: PodAffinity = PodAffinity()  # noqa: N815
    """Pods to keep away from."""


class Placement(CatalogModel):
    """On which nodes servers run; merged key by key over the outer levels."""

    node_selector: Mapping[LabelName, LabelValue] = Field(default_factory=dict)
    """Labels that a node must have, such as `{hub.example.org/pool: gpu}`; merged label by
    label."""
    tolerations: tuple[Toleration, ...] | None = None
    """Taints of nodes that the servers bear, besides those that the hub's own configuration
    names."""
    affinity: Affinity | None = None
    """Affinities to nodes and pods, besides those that the hub's own configuration names."""


class ExtraContainer(CatalogModel):
    """A companion of the server in the same pod, such as a course's database.

    The server reaches it on `localhost`. Its memory and CPU are guarantee and limit at once.
    """

    image: str
    """Name of an image of this catalog."""
    command: tuple[str, ...] = ()
    """What it runs; the image's own program where it is left out."""
    args: tuple[str, ...] = ()
    """Arguments; the image's own where they are left out."""
    environment: Mapping[EnvironmentName, str] = Field(default_factory=dict)
    """Its environment variables; it gets none of the server's."""
    memory: Memory
    """Memory, such as `512M`."""
    cpu: Cpu
    """CPU cores, such as `0.25`."""
    user: Annotated[int, Field(ge=1)] | None = None
    """Id of the user as whom it runs; the image's own where it is left out."""
    mounts: Mapping[MountName, Mount] = Field(default_factory=dict)
    """Directories of volumes in this container alone, with the same rules as the server's."""
    hubs: frozenset[HubKind] = COURSE_HUBS
    """Kinds of hub on which servers have it."""


class GitPull(CatalogModel):
    """A repository that nbgitpuller brings into the home when the server opens.

    The image needs nbgitpuller, and the server the internet: it is left out of servers that may
    not reach it. See https://nbgitpuller.readthedocs.io.
    """

    repo: GitUrl
    """The repository, such as `https://git.example.org/ml/exercises`."""
    branch: str | None = None
    """The branch; the repository's own default where it is left out."""
    directory: str | None = None
    """Directory in the home that it is pulled into; the repository's name where it is left out."""
    open: str | None = None
    """Where the server opens after the pull, such as `lab/tree/exercises/start.ipynb`;
    `default_url` where it is left out."""
