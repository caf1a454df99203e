"""Reads the files of hubs, whatever kind they are.

That is `server.<name>` of teaching and exam hubs, the newer exam hub's file, and volumes and groups
in the values of a chart. JupyterHub's `load_groups` has groups as `AMR.WS25.graders`,
`term.<course>.<term>.<role>` or `lms.course.<course>.term.<term>.<role>`; a name without two
unmistakable ids is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from e2xhub.domain.catalog import RESERVED_COURSE_ID
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import (
    EXAM,
    EXCHANGE_AT,
    TEACHING,
    Deployment,
    ExamHub,
    ExtraMount,
    LegacyServer,
    LegacyTerm,
    Root,
)
from e2xhub.imports.legacy.legacy_settings import (
    LegacySettings,
    fault_of_volume,
    is_valid,
    note_exam_kernel,
    note_other_keys,
    read_exchange,
    read_settings,
)
from e2xhub.imports.legacy.report import NoteKind, Notes
from e2xhub.imports.legacy.shell_commands import parse_language
from e2xhub.imports.legacy.source_files import Parts, Section, SourceFiles

ROOT_NAMES = ("home", "temp", "exchange", "share")

_READ_HERE = frozenset(
    {"mode", "image", "pullPolicy", "pull_policy", "resources", "grader_resources", "nbgrader"}
    | {"exam_kernel", "extra_mounts", "course_list"}
)
_MAPPINGS = frozenset({"resources", "grader_resources", "nbgrader", "exam_kernel", "extra_mounts"})
_NBGRADER_KEYS = frozenset(
    {"enabled", "course_dir", "default_exchange", "exchange"}
    | {"personalized_inbound", "personalized_outbound", "personalized_feedback"}
)
_GROUP_PLACES = (("load_groups",), ("groups",), ("hub", "config", "JupyterHub", "load_groups"))
_GROUP_PATTERNS = tuple(
    map(
        re.compile,
        (
            r"lms\.course\.([^.]+)\.term\.([^.]+)\.([^.]+)",
            r"term\.([^.]+)\.([^.]+)\.([^.]+)",
            r"([^.]+)\.([^.]+)\.([^.]+)",
        ),
    )
)
_GROUP_ROLES = {
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


def read_hubs(files: SourceFiles, found: Deployment, notes: Notes) -> set[Parts]:
    """Reads the files of hubs and of the chart, and says which these are."""
    used: set[Parts] = set()
    for parts, section in files.yaml.items():
        if "server" in section.value:
            found.servers += _read_servers(section, notes)
            found.volumes.update(_read_declared_volumes(section))
        elif _is_exam_hub(section):
            found.exam_hubs.append(_read_exam_hub(section, notes))
        elif not _read_chart(section, found, notes):
            continue
        used.add(parts)
    return used


def _read_chart(section: Section, found: Deployment, notes: Notes) -> bool:
    """Reads groups and volumes of the chart's values; whether this file has any."""
    has_groups = _read_groups(section, found, notes)
    volumes = section.section("singleuser").section("storage").value.get("extraVolumes")
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, dict) and isinstance(volume.get("name"), str):
            source = {key: item for key, item in volume.items() if key != "name"}
            found.volumes[volume["name"]] = source
    if "singleuser" in section.value:
        found.language = found.language or _read_chart_language(section)
        message = "of the chart's values only volumes, groups and LANGUAGE are read"
        section.note(notes, NoteKind.HUB_SETTING, "singleuser", message, "keep the others")
    return has_groups or "singleuser" in section.value


def _read_chart_language(section: Section) -> str | None:
    """`LANGUAGE` of the chart's extraEnv, whose value may be a mapping as in a pod."""
    value = section.section("singleuser").section("extraEnv").value.get("LANGUAGE")
    text = value.get("value") if isinstance(value, dict) else value
    return parse_language(text) if isinstance(text, str) else None


def _read_servers(section: Section, notes: Notes) -> Iterator[LegacyServer]:
    """The servers below `server:`; what the catalog has no place for is noted."""
    section.note_unknown(notes, {"server"}, mappings={"server"})
    servers = section.section("server")
    for name, value in servers.value.items():
        if isinstance(value, dict):
            yield _read_server(name, servers.section(name), notes)
        else:
            servers.note(notes, NoteKind.LEFT_OUT, name, "this is no mapping of a server's keys")


def _read_server(name: str, section: Section, notes: Notes) -> LegacyServer:
    nbgrader = section.section("nbgrader")
    note_other_keys(section, _READ_HERE, notes, mappings=_MAPPINGS)
    note_other_keys(nbgrader, _NBGRADER_KEYS, notes)
    note_exam_kernel(section, notes)
    course_list = section.value.get("course_list")
    return LegacyServer(
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


def _read_declared_volumes(section: Section) -> Iterator[tuple[str, dict[str, object]]]:
    """Names and sources of the volumes that the servers of a hub's file declare."""
    for _, server in section.section("server").sections():
        for _, volume in server.section("extra_mounts").section("volumes").sections():
            source = {key: value for key, value in volume.value.items() if key != "name"}
            if volume.text("name") and source:
                yield volume.text("name"), source


def _read_exam_hub(section: Section, notes: Notes) -> ExamHub:
    """The file of an exam hub; what the catalog has no place for is noted."""
    nbgrader = section.section("nbgrader")
    mappings = {"mounts", "nbgrader", "resources"}
    note_other_keys(section, {*mappings, "image", "pullPolicy"}, notes, mappings=mappings)
    if nbgrader.text("exchange_root") not in ("", EXCHANGE_AT):
        message = f"the exchange is mounted at {EXCHANGE_AT}"
        advice = "change mount_at of the exams' exchange where the image reads another place"
        nbgrader.note(notes, NoteKind.CHANGED, "exchange_root", message, advice)
    nbgrader.note_unknown(notes, {"exchange_root", "exam_course_dir", "active_student_courses"})
    return ExamHub(
        where=section.where(),
        settings=read_settings(section, notes),
        roots=_read_roots(section.section("mounts"), notes),
        active=_read_active(nbgrader.section("active_student_courses"), notes),
    )


def _read_roots(section: Section, notes: Notes) -> dict[str, Root]:
    section.note_unknown(notes, ROOT_NAMES)
    roots: dict[str, Root] = {}
    for name in ROOT_NAMES:
        said = section.section(name)
        root = Root(volume=said.text("name"), path=said.text("subPath").strip("/"))
        if said.value and (fault := _fault_of_root(root)):
            advice = "correct the mounts of the exams, which follow the usual layout now"
            section.note(notes, NoteKind.LEFT_OUT, name, fault, advice)
        elif said.value:
            roots[name] = root
    return roots


def _fault_of_root(root: Root) -> str | None:
    mount = {"volume": root.volume, "path": root.below("x"), "mount_at": "/x", "access": {}}
    return is_valid(Mount, mount) or fault_of_volume(root.volume)


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


def _is_exam_hub(section: Section) -> bool:
    """Whether this is the configuration of an exam hub."""
    nbgrader = section.section("nbgrader").value
    return "server" not in section.value and (
        "active_student_courses" in nbgrader
        or "exam_course_dir" in nbgrader
        or ("mounts" in section.value and "image" in section.value)
    )


# --- groups of the newer course hub


@dataclass(frozen=True, kw_only=True)
class _Meaning:
    course: CourseId
    term: TermId
    role: Role


def _read_groups(section: Section, found: Deployment, notes: Notes) -> bool:
    """Makes members of the people in the groups of a file; whether it has any groups."""
    has_groups = False
    for place in _GROUP_PLACES:
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
    match = next((match for pattern in _GROUP_PATTERNS if (match := pattern.fullmatch(name))), None)
    role = _GROUP_ROLES.get(match[3]) if match else None
    if match is None or role is None or match[1] == RESERVED_COURSE_ID:
        return None
    try:
        return _Meaning(course=CourseId.parse(match[1]), term=TermId.parse(match[2]), role=role)
    except ValueError:
        return None
