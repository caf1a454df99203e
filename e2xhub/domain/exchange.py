"""What a server gets of nbgrader's exchange: mounts, variables and a configuration file.

`plan_exchange(catalog, settings.nbgrader, owner, settings.run_as)` is empty where there is none.
Its parts join those of the server (`domain.servers`): `mounts` those of `plan_volumes`,
`environment` wins over the catalog's variables. `prepared` are directories that have to exist with
their owner before the server starts and that it does not mount: whoever comes first, student or
grader, both find the exchange in order.

On the volume, below the exchange's directory, as e2xgrader has it:

    outbound/<assignment>/                    belongs to graders, students read it
    personalized-inbound/<username>/          belongs to the student, graders read it
    personalized-feedback/<username>/         belongs to graders, the student reads it
    personalized-outbound/<username>/         the same, instead of `outbound`

A student's server mounts `outbound` and its own directories and nothing above them. Both names that
programs look for are there: nbgrader's `inbound` and `feedback`, and e2xgrader's
`personalized-inbound/<username>` and so on. Whoever grades mounts the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.nbgrader import NbGrader, course_at_or_usual
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.volumes import NewDirectory, RunAs, VolumeMount, fill_directory

CONFIG_DIRECTORY = "/etc/e2xhub/nbgrader"
"""Where the configuration file is in a server: a directory of its own, so that it hides none."""
_STAFF = frozenset({Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER})
# Students' user is another one than the graders', who read what students write.
_SHARED_MODE, _STAFF_MODE = "0755", "0750"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """The parts of one server that nbgrader needs; all empty where there is no nbgrader."""

    mounts: tuple[VolumeMount, ...] = ()
    prepared: tuple[VolumeMount, ...] = ()
    """Directories that are made, with their owner, before the server starts; it has no mount."""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Names of modules of `e2xhub.in_pod`, by absolute path in the server."""


def plan_exchange(
    catalog: Catalog,
    nbgrader: NbGrader | None,
    owner: ServerOwner,
    run_as: RunAs | None = None,
    *,
    home: str | None = None,
    config_path: str = "",
) -> Exchange:
    """What the server of `owner` gets of `nbgrader`.

    Without `run_as` new directories are nobody's. `home` is the template of the home directory, in
    which the course's own is (None: the image's own home). `config_path` is the
    `JUPYTER_CONFIG_PATH` that the server would have otherwise, with directories that keep their
    turn after ours.

    Raises ValueError where a path template has no value.
    """
    if nbgrader is None or not has_exchange(nbgrader, owner):
        return Exchange()
    course_at = course_at_or_usual(nbgrader, home)
    places = _Places(catalog, nbgrader, owner, run_as, course_at)
    is_student = owner.role is Role.STUDENT
    return Exchange(
        mounts=tuple(places.of_a_student() if is_student else places.of_staff()),
        prepared=tuple(places.prepared()) if is_student else (),
        environment=_environment(nbgrader, owner, config_path, course_at),
        files={f"{CONFIG_DIRECTORY}/nbgrader_config.py": "nbgrader_config.py"},
    )


def has_exchange(nbgrader: NbGrader, owner: ServerOwner) -> bool:
    """Whether `owner` has this exchange: an exam never has what is declared for courses."""
    if owner.role is not Role.STUDENT and owner.role not in _STAFF:
        return False
    return HubKind.EXAM in nbgrader.hubs if owner.exam else owner.hub in nbgrader.hubs


def directories_in(nbgrader: NbGrader) -> tuple[str, ...]:
    """The directories that an exchange holds."""
    personal = ("personalized-inbound", "personalized-feedback")
    if nbgrader.personalized_outbound:
        return ("outbound", *personal, "personalized-outbound")
    return ("outbound", *personal)


def course_id_of(nbgrader: NbGrader, owner: ServerOwner) -> str:
    """What nbgrader calls the course or exam in the server of `owner`."""
    template = nbgrader.course_id or ("{exam}" if owner.exam else "{course}-{term}")
    return fill_path(template, owner.values)


class _Places:
    """The directories of one exchange, as mounts of one person's server."""

    def __init__(
        self,
        catalog: Catalog,
        nbgrader: NbGrader,
        owner: ServerOwner,
        run_as: RunAs | None,
        course_at: str,
    ) -> None:
        self._volumes = catalog.volumes
        self._nbgrader = nbgrader
        self._owner = owner
        self._run_as = None if owner.writes_nothing else run_as
        self._course_at = course_at
        self._at = f"{nbgrader.exchange_at}/{course_id_of(nbgrader, owner)}"

    def of_a_student(self) -> Iterator[VolumeMount]:
        """`outbound` and the person's own directories, each under both of its names."""
        if self._nbgrader.personalized_outbound:
            yield from self._own("outbound", Role.GRADER)
        else:
            yield self._make("outbound", f"{self._nbgrader.exchange}/outbound")
        yield from self._own("inbound", Role.STUDENT)
        yield from self._own("feedback", Role.GRADER)

    def of_staff(self) -> Iterator[VolumeMount]:
        """The whole exchange, and the course's directory."""
        yield self._whole()
        if self._nbgrader.course_directory is not None:
            yield self._make(
                "course_directory",
                self._nbgrader.course_directory,
                at=self._course_at,
                volume=self._nbgrader.course_volume,
                is_written=True,
                if_new=self._new(Role.GRADER, _STAFF_MODE),
            )

    def prepared(self) -> Iterator[VolumeMount]:
        """What a student's directories lie in, where the servers of this volume see to that."""
        whole = self._whole()
        if whole.if_new is not None:
            yield whole

    def _whole(self) -> VolumeMount:
        """The exchange with its first level, all of which belongs to those who grade."""
        inner = directories_in(self._nbgrader)
        new = self._new(Role.GRADER, inner_directories=inner)
        return self._make("", self._nbgrader.exchange, is_written=True, if_new=new)

    def _own(self, tail: str, belongs_to: Role) -> Iterator[VolumeMount]:
        """The person's own directory in place of nbgrader's shared one, and as e2xgrader's."""
        own = f"personalized-{tail}/{{username}}"
        for at in (tail, own):
            yield self._make(
                at,
                f"{self._nbgrader.exchange}/{own}",
                is_written=belongs_to is Role.STUDENT,
                if_new=self._new(belongs_to),
            )

    def _make(
        self,
        name: str,
        path: str,
        *,
        at: str | None = None,
        volume: str | None = None,
        is_written: bool = False,
        if_new: NewDirectory | None = None,
    ) -> VolumeMount:
        """The mount of the directory `path`, at `at` or at its `name` in the exchange."""
        volume = volume or self._nbgrader.volume
        declared = self._volumes[volume]
        return VolumeMount(
            name=f"nbgrader/{name or 'exchange'}",
            volume=volume,
            source=declared.source,
            sub_path=fill_directory(path, self._owner.values),
            mount_path=fill_directory(at or f"{self._at}/{name}", self._owner.values),
            read_only=not is_written or self._owner.writes_nothing,
            if_new=if_new if declared.prepare_directories else None,
        )

    def _new(
        self,
        role: Role,
        mode: str = _SHARED_MODE,
        inner_directories: tuple[str, ...] = (),
    ) -> NewDirectory | None:
        if self._run_as is None:
            return None
        return NewDirectory(
            owner=self._run_as[role], mode=mode, inner_directories=inner_directories
        )


def _environment(
    nbgrader: NbGrader, owner: ServerOwner, config_path: str, course_at: str
) -> dict[str, str]:
    """What the configuration file reads, and programs that know these names."""
    found = {
        "NBGRADER_COURSE_ID": course_id_of(nbgrader, owner),
        "NBGRADER_EXCHANGE_ROOT": fill_directory(nbgrader.exchange_at, owner.values),
        "NBGRADER_PERSONALIZED_OUTBOUND": "1" if nbgrader.personalized_outbound else "0",
        "JUPYTER_CONFIG_PATH": ":".join(filter(None, [CONFIG_DIRECTORY, config_path])),
    }
    if owner.role in _STAFF and nbgrader.course_directory is not None:
        found["NBGRADER_COURSE_DIRECTORY"] = fill_directory(course_at, owner.values)
    return found
