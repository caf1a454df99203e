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
`personalized-inbound/<username>` and so on. Whoever grades mounts the four directories, not what
they lie in, and what was handed in read-only; in an exam when it is over (`domain.exam_places`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.nbgrader import INBOUND, NbGrader, course_at_or_usual
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.volumes import NewDirectory, RunAs, VolumeMount, fill_directory

CONFIG_DIRECTORY = "/etc/e2xhub/nbgrader"
"""Where the configuration file is in a server: a directory of its own, so that it hides none."""
LAB_EXTENSION = "/usr/local/share/jupyter/labextensions/e2xhub-grading"
"""Where every JupyterLab looks, whatever the image's own `JUPYTER_PATH` is."""
FORMGRADER_FILES = {
    f"{CONFIG_DIRECTORY}/jupyter_server_config.py": "jupyter_server_config.py",
    f"{CONFIG_DIRECTORY}/jupyter_server_config.d/e2xhub.json": "grading/server_extension.json",
    f"{CONFIG_DIRECTORY}/e2xhub_formgrader.py": "e2xhub_formgrader.py",
    f"{CONFIG_DIRECTORY}/formgrader.js": "grading/formgrader.js",
    f"{LAB_EXTENSION}/package.json": "grading/package.json",
    f"{LAB_EXTENSION}/static/remoteEntry.js": "grading/remoteEntry.js",
    f"{LAB_EXTENSION}/static/jupyter.js": "grading/jupyter.js",
}
"""What the formgrader lacks on a hub: modules of `e2xhub.in_pod`, by absolute path in a server."""
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
        prepared=tuple(places.prepared()),
        environment=_environment(nbgrader, owner, config_path, course_at),
        files=_files(is_student=is_student),
    )


def _files(*, is_student: bool) -> dict[str, str]:
    """nbgrader's configuration; and what the formgrader needs for those who open it."""
    files = {f"{CONFIG_DIRECTORY}/nbgrader_config.py": "nbgrader_config.py"}
    return files if is_student else {**files, **FORMGRADER_FILES}


def has_exchange(nbgrader: NbGrader, owner: ServerOwner) -> bool:
    """Whether `owner` has this exchange: an exam never has what is declared for courses."""
    if owner.role is not Role.STUDENT and owner.role not in _STAFF:
        return False
    return HubKind.EXAM in nbgrader.hubs if owner.exam else owner.hub in nbgrader.hubs


def directories_in(nbgrader: NbGrader) -> tuple[str, ...]:
    """The directories that an exchange holds."""
    personal = (INBOUND, "personalized-feedback")
    if nbgrader.personalized_outbound:
        return ("outbound", *personal, "personalized-outbound")
    return ("outbound", *personal)


def grading_url_of(nbgrader: NbGrader | None, owner: ServerOwner) -> str | None:
    """Where the server of `owner` opens to grade; None: nowhere in particular."""
    if nbgrader is None or owner.hub is not HubKind.GRADING or owner.role not in _STAFF:
        return None
    return nbgrader.grading_url if has_exchange(nbgrader, owner) else None


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
        """What is in the exchange, and the course's directory."""
        yield from self._parts()
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
        """What the parts of an exchange lie in, where the servers of this volume see to that."""
        whole = self._whole()
        if whole.if_new is not None:
            yield whole

    def _parts(self) -> Iterator[VolumeMount]:
        """Each by itself, and what was handed in read-only: in what they lie in one could put
        another in place of that, and among the students' own a link, which would decide where
        their servers write."""
        for name in directories_in(self._nbgrader):
            path = f"{self._nbgrader.exchange}/{name}"
            yield self._make(name, path, is_written=name != INBOUND)

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
