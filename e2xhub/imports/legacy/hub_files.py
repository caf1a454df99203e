"""Reads the files of hubs: `server.<name>` of teaching and exam hubs, and the newer exam hub's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import (
    EXAM,
    TEACHING,
    ExamHub,
    ExtraMount,
    Root,
    Server,
)
from e2xhub.imports.legacy.places import EXCHANGE_AT, fault_of_root
from e2xhub.imports.legacy.report import NoteKind, Notes
from e2xhub.imports.legacy.legacy_settings import (
    LegacySettings,
    note_commands,
    note_exam_kernel,
    read_exchange,
    read_settings,
)
from e2xhub.imports.legacy.source_files import Section

ROOT_NAMES = ("home", "temp", "exchange", "share")

_READ_HERE = frozenset(
    {"mode", "image", "pullPolicy", "pull_policy", "resources", "grader_resources", "nbgrader"}
    | {"commands", "exam_kernel", "extra_mounts", "course_list"}
)
_ROSTER_DECIDES = "the roster alone says who is a member; nobody is added by a list"
_NOT_NEEDED = {
    "user_list_path": "the lists were read where they are",
    "semester_id": "each term is declared in the catalog",
    "auto_add_hub_users": _ROSTER_DECIDES,
    "auto_add_users": _ROSTER_DECIDES,
    "auto_add_graders": _ROSTER_DECIDES,
    "auto_add_students": _ROSTER_DECIDES,
    "grader_user_dir": "the lists were read where they are",
    "student_user_dir": "the lists were read where they are",
    "exam_user_dir": "the lists were read where they are",
}
_MAPPINGS = frozenset({"resources", "grader_resources", "nbgrader", "exam_kernel", "extra_mounts"})
_CONFIG_MOUNTS = ("mount_server_config", "mount_course_config")
_NBGRADER_KEYS = frozenset(
    {"enabled", "course_dir", "default_exchange", "nbgrader_cmds", "grader_cmds", "exchange"}
    | {"personalized_inbound", "personalized_outbound", "personalized_feedback"}
)


def read_servers(section: Section, notes: Notes) -> Iterator[Server]:
    """The servers below `server:`; what the catalog has no place for is noted."""
    section.note_unknown(notes, {"server"}, mappings={"server"})
    servers = section.section("server")
    for name, value in servers.value.items():
        if isinstance(value, dict):
            yield _read_server(name, servers.section(name), notes)
        else:
            servers.note(notes, NoteKind.LEFT_OUT, name, "this is no mapping of a server's keys")


def _read_server(name: str, section: Section, notes: Notes) -> Server:
    nbgrader = section.section("nbgrader")
    _note_not_needed(section, notes)
    _note_not_needed(nbgrader, notes)
    known = {*_READ_HERE, *_NOT_NEEDED, *_CONFIG_MOUNTS}
    section.note_unknown(notes, known, mappings=_MAPPINGS)
    nbgrader.note_unknown(notes, {*_NBGRADER_KEYS, *_NOT_NEEDED, *_CONFIG_MOUNTS})
    note_commands(section, ("commands",), notes)
    note_commands(nbgrader, ("nbgrader_cmds", "grader_cmds"), notes)
    note_exam_kernel(section, notes)
    course_list = section.value.get("course_list")
    return Server(
        where=section.where(),
        name=name,
        mode=_read_mode(section, notes),
        settings=_read_role_settings(section, nbgrader, notes),
        extra_mounts=tuple(_read_extra_mounts(section.section("extra_mounts"), notes)),
        course_dir=_parts_of(nbgrader.text("course_dir")),
        course_list=frozenset(map(str, course_list if isinstance(course_list, list) else ())),
        has_exchange=nbgrader.value.get("enabled") is not False,
    )


def _read_mode(section: Section, notes: Notes) -> str:
    mode = section.text("mode") or TEACHING
    if mode not in (TEACHING, EXAM):
        message = f"{mode!r} is no mode; '{TEACHING}' is taken"
        section.note(notes, NoteKind.GUESSED, "mode", message, "check the homes' paths")
        return TEACHING
    return mode


def _read_role_settings(
    section: Section, nbgrader: Section, notes: Notes
) -> dict[Role, LegacySettings]:
    exchange = LegacySettings(personalized=read_exchange(nbgrader, notes))
    student = read_settings(section, notes).within(exchange)
    grader = read_settings(section, notes, "grader_resources").within(student)
    return {Role.STUDENT: student, Role.GRADER: grader}


def _note_not_needed(section: Section, notes: Notes) -> None:
    for key, reason in _NOT_NEEDED.items():
        if key in section.value:
            section.note(notes, NoteKind.CHANGED, key, reason)
    for key in _CONFIG_MOUNTS:
        if section.value.get(key):
            message = "no server gets the hub's own files any more"
            advice = "let instructors change the catalog by pull request"
            section.note(notes, NoteKind.LEFT_OUT, key, message, advice)


def _read_extra_mounts(section: Section, notes: Notes) -> Iterator[ExtraMount]:
    section.note_unknown(notes, {"enabled", "volume_mounts", "volumes"})
    mounts = section.section("volume_mounts")
    if mounts.value and section.value.get("enabled") is not True:
        section.note(notes, NoteKind.CHANGED, "enabled", "extra mounts were off, and stay so")
        return
    for number, (key, mount) in enumerate(mounts.sections(), start=1):
        mount.note_unknown(notes, {"name", "mountPath", "subPath", "readOnly"})
        volume, mount_at = mount.text("name"), mount.text("mountPath")
        if not volume or not mount_at:
            mounts.note(notes, NoteKind.LEFT_OUT, key, "it has no name or no mountPath")
            continue
        yield ExtraMount(
            where=mount.where(),
            name=f"extra-{number}",
            volume=volume,
            path=mount.text("subPath"),
            mount_at=mount_at,
        )


def read_declared_volumes(section: Section) -> Iterator[tuple[str, dict[str, object]]]:
    """Names and sources of the volumes that the servers of a hub's file declare."""
    for _, server in section.section("server").sections():
        for _, volume in server.section("extra_mounts").section("volumes").sections():
            source = {key: value for key, value in volume.value.items() if key != "name"}
            if volume.text("name") and source:
                yield volume.text("name"), source


def read_exam_hub(section: Section, notes: Notes) -> ExamHub:
    """The file of an exam hub; what the catalog has no place for is noted."""
    nbgrader = section.section("nbgrader")
    section.note_unknown(
        notes,
        {"commands", "mounts", "image", "pullPolicy", "nbgrader", "resources"},
        mappings={"mounts", "nbgrader", "resources"},
    )
    if nbgrader.text("exchange_root") not in ("", EXCHANGE_AT):
        message = f"the exchange is mounted at {EXCHANGE_AT}"
        advice = "change mount_at of the exams' exchange where the image reads another place"
        nbgrader.note(notes, NoteKind.CHANGED, "exchange_root", message, advice)
    nbgrader.note_unknown(notes, {"exchange_root", "exam_course_dir", "active_student_courses"})
    note_commands(section, ("commands",), notes)
    roots: dict[str, Root] = {}
    mounts = section.section("mounts")
    mounts.note_unknown(notes, ROOT_NAMES)
    for name in ROOT_NAMES:
        root = mounts.section(name)
        made = Root(volume=root.text("name"), path=root.text("subPath").strip("/"))
        if root.value and (fault := fault_of_root(made)):
            advice = "correct the mounts of the exams, which follow the usual layout now"
            mounts.note(notes, NoteKind.LEFT_OUT, name, fault, advice)
        elif root.value:
            roots[name] = made
    return ExamHub(
        where=section.where(),
        settings=read_settings(section, notes),
        roots=roots,
        active=_read_active(nbgrader.section("active_student_courses"), notes),
    )


def _read_active(section: Section, notes: Notes) -> dict[str, tuple[tuple[str, str], ...]]:
    active: dict[str, tuple[tuple[str, str], ...]] = {}
    for course, entry in section.sections():
        semesters = entry.value.get("semesters")
        found = (
            [item for item in semesters if isinstance(item, dict)]
            if (isinstance(semesters, list))
            else []
        )
        if not found:
            section.note(notes, NoteKind.LEFT_OUT, course, "it names no semesters")
        active[course] = tuple(
            (str(item.get("semester", "")), str(item.get("exam_period", ""))) for item in found
        )
    return active


def _parts_of(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path).parts if part != "/")


def is_exam_hub(section: Section) -> bool:
    """Whether this is the configuration of an exam hub."""
    nbgrader = section.section("nbgrader").value
    return "server" not in section.value and (
        "active_student_courses" in nbgrader
        or "exam_course_dir" in nbgrader
        or ("mounts" in section.value and "image" in section.value)
    )


def find_chart_volumes(section: Section) -> Iterator[tuple[str, Section, int]]:
    """Volumes in values of the chart: each name, the list's section, and the place in the list."""
    storage = section.section("singleuser").section("storage")
    volumes = storage.value.get("extraVolumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else []):
        if isinstance(volume, dict) and isinstance(volume.get("name"), str):
            yield volume["name"], storage, index


# --- groups of the newer course hub

_PLACES = (("load_groups",), ("groups",), ("hub", "config", "JupyterHub", "load_groups"))
_PATTERNS = tuple(
    map(
        re.compile,
        (
            r"lms\.course\.([^.]+)\.term\.([^.]+)\.([^.]+)",
            r"term\.([^.]+)\.([^.]+)\.([^.]+)",
            r"([^.]+)\.([^.]+)\.([^.]+)",
        ),
    )
)
_ROLES = {
    "student": Role.STUDENT,
    "students": Role.STUDENT,
    "grader": Role.GRADER,
    "graders": Role.GRADER,
    "teaching-assistant": Role.GRADER,
    "teaching-assistants": Role.GRADER,
    "instructor": Role.INSTRUCTOR,
    "instructors": Role.INSTRUCTOR,
    "observer": Role.OBSERVER,
    "observers": Role.OBSERVER,
}
_ADD = "add its people with 'e2xhub roster add', or declare 'groups' in the catalog"


@dataclass(frozen=True, kw_only=True)
class _Meaning:
    course: CourseId
    term: TermId
    role: Role


def read_groups(section: Section, found: Deployment, notes: Notes) -> bool:
    """Makes members of the people in the groups of a file; whether it has any groups."""
    has_groups = False
    for place in _PLACES:
        groups = section
        for key in place:
            groups = groups.section(key)
        for name, users in groups.value.items():
            has_groups = True
            _read_group(groups, name, list(_usernames(users)), found, notes)
    return has_groups


def _read_group(
    groups: Section, name: str, users: list[Any], found: Deployment, notes: Notes
) -> None:
    meaning = _meaning_of(name)
    if meaning is None:
        message = f"its name says no course, term and role ({len(users)} people)"
        groups.note(notes, NoteKind.LEFT_OUT, name, message, _ADD)
        return
    where = groups.where(name)
    term = found.terms.setdefault(
        (meaning.course, meaning.term),
        LegacyTerm(
            where=where,
            course=meaning.course,
            term=meaning.term,
            course_id=f"{meaning.course}-{meaning.term}",
        ),
    )
    message = f"its people have the role {meaning.role.value} in {meaning.course} {meaning.term}"
    advice = "declare 'groups' in the catalog where a sign-in service delivers the group"
    groups.note(notes, NoteKind.GUESSED, name, message, advice)
    for user in users:
        try:
            term.members.setdefault((Username.parse(str(user)), meaning.role), where)
        except ValueError as error:
            groups.note(notes, NoteKind.LEFT_OUT, name, str(error), _ADD)


def _usernames(users: Any) -> Iterator[Any]:
    """JupyterHub takes a list, or a mapping with the key `users`."""
    listed = users.get("users") if isinstance(users, dict) else users
    yield from listed if isinstance(listed, list) else ()


def _meaning_of(name: str) -> _Meaning | None:
    match = next((match for pattern in _PATTERNS if (match := pattern.fullmatch(name))), None)
    role = _ROLES.get(match[3]) if match else None
    if match is None or role is None or match[1] == RESERVED_COURSE_ID:
        return None
    try:
        return _Meaning(course=CourseId.parse(match[1]), term=TermId.parse(match[2]), role=role)
    except ValueError:
        return None
