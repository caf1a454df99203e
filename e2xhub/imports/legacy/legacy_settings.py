"""What the YAML of a hub or a course says about servers, in the words of the catalog.

Each reader takes what the catalog has a place for and notes the rest; the same readers serve the
hub's file, a course's and an exam's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from e2xhub.domain.catalog.servers import Image, Placement
from e2xhub.domain.catalog.values import VolumeName, parse_memory
from e2xhub.imports.legacy.report import NoteKind, Notes, listed
from e2xhub.imports.legacy.shell_commands import parse_language, variables_in
from e2xhub.imports.legacy.source_files import Section

STEPS = ("outbound", "inbound", "feedback")
"""The directories of an exchange, each of which may be personalized."""

_RESOURCE_KEYS = {
    "mem_guarantee": "memory",
    "mem_limit": "memory_limit",
    "cpu_guarantee": "cpu",
    "cpu_limit": "cpu_limit",
}
_LEAST_MEMORY = 2**20
_PERSONALIZED = tuple(f"personalized_{step}" for step in STEPS)
_TEXT_IN_TAGS = re.compile(r"<[^>]*>")
_OWN_KEYS = frozenset(
    {"image", "pullPolicy", "pull_policy", "resources", "course_exchange", "exchange"}
    | {"course_name", "course_id", "course_display_name", "choice_display_name", "exam_kernel"}
    | {*_PERSONALIZED}
    | {"semester", "semester_id", "exam_period"}  # read by `exam_lists`
)
_VOLUME_NAME: TypeAdapter[str] = TypeAdapter(VolumeName)


@dataclass(frozen=True, kw_only=True)
class _Unneeded:
    """What is noted of a key that is known, and that a catalog has no place for."""

    message: str
    advice: str = ""
    kind: NoteKind = NoteKind.LEFT_OUT


_COMMANDS = _Unneeded(
    message="shell commands ({count} entries) run at every start of a server",
    advice="put what they do into the image, and variables that it reads into 'environment'; "
    "nbgrader gets its settings from e2xhub",
)
_LISTS_WERE_READ = _Unneeded(message="the lists were read where they are", kind=NoteKind.CHANGED)
_ROSTER_DECIDES = _Unneeded(
    message="the roster alone says who is a member; nobody is added by a list",
    kind=NoteKind.CHANGED,
)
_NO_CONFIGURATION = _Unneeded(
    message="no server gets the hub's own files any more",
    advice="let instructors change the catalog by pull request",
)
_PRESENTATION = _Unneeded(
    message="the spawn page shows title, term and sizes of each offer",
    advice="put what matters into a title",
)
_UNNEEDED = {
    "commands": _COMMANDS,
    "course_cmds": _COMMANDS,
    "nbgrader_cmds": _COMMANDS,
    "grader_cmds": _COMMANDS,
    "user_list_path": _LISTS_WERE_READ,
    "grader_user_dir": _LISTS_WERE_READ,
    "student_user_dir": _LISTS_WERE_READ,
    "exam_user_dir": _LISTS_WERE_READ,
    "semester_id": _Unneeded(message="each term is declared in the catalog", kind=NoteKind.CHANGED),
    "auto_add_hub_users": _ROSTER_DECIDES,
    "auto_add_users": _ROSTER_DECIDES,
    "auto_add_graders": _ROSTER_DECIDES,
    "auto_add_students": _ROSTER_DECIDES,
    "mount_server_config": _NO_CONFIGURATION,
    "mount_course_config": _NO_CONFIGURATION,
    "default": _PRESENTATION,
    "extra_profile_description": _PRESENTATION,
    "verbose_profile_list": _PRESENTATION,
}


@dataclass(frozen=True, kw_only=True)
class LegacySettings:
    """What a level says; None and missing keys leave it to the outer level."""

    image: str | None = None
    pull_policy: str | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)
    """Any of memory, memory_limit (bytes as text), cpu, cpu_limit (cores)."""
    node_affinity: Mapping[str, Any] | None = None
    personalized: frozenset[str] | None = None
    """The steps of the exchange that are personalized."""
    language: str | None = None
    course_title: str = ""
    term_title: str = ""

    def within(self, outer: LegacySettings) -> LegacySettings:
        """These settings where `outer` holds for all that they leave open, key by key."""
        return replace(
            self,
            image=self.image or outer.image,
            pull_policy=self.pull_policy or (None if self.image else outer.pull_policy),
            resources={**outer.resources, **self.resources},
            node_affinity=self.node_affinity or outer.node_affinity,
            personalized=outer.personalized if self.personalized is None else self.personalized,
            language=self.language or outer.language,
        )


def read_settings(
    section: Section, notes: Notes, resources_key: str = "resources"
) -> LegacySettings:
    """What `section` says about servers; what the catalog has no place for is noted."""
    image, pull_policy = _read_image(section, notes)
    resources = section.section(resources_key)
    return LegacySettings(
        image=image,
        pull_policy=pull_policy,
        resources=_read_resources(resources, notes),
        node_affinity=_read_affinity(resources, notes),
        personalized=read_exchange(section, notes),
        language=_read_language(section, notes),
        course_title=_read_title(section, "course_display_name", notes),
        term_title=_read_title(section, "choice_display_name", notes),
    )


def read_course_settings(section: Section, notes: Notes) -> LegacySettings:
    """What a course's or exam's own file says; every other key in it is noted."""
    note_exam_kernel(section, notes)
    note_other_keys(section, _OWN_KEYS, notes, mappings=("resources", "exam_kernel"))
    return read_settings(section, notes)


def note_other_keys(
    section: Section, known: Collection[str], notes: Notes, *, mappings: Collection[str] = ()
) -> None:
    """Notes every key of a section that is not among the `known`, and what to do about it."""
    for key in section.value.keys() & (_UNNEEDED.keys() - known):
        if section.value[key]:
            _note_unneeded(section, key, _UNNEEDED[key], notes)
    section.note_unknown(notes, {*known, *_UNNEEDED}, mappings=mappings)


def _note_unneeded(section: Section, key: str, unneeded: _Unneeded, notes: Notes) -> None:
    """Commands are noted by their number; their text may hold secrets."""
    value = section.value[key]
    count = len(value) if isinstance(value, (list, dict)) else 1
    message = unneeded.message.format(count=count)
    names = sorted(variables_in(value)) if unneeded is _COMMANDS else []
    message += f"; variables that they set: {listed(names)}" if names else ""
    section.note(notes, unneeded.kind, key, message, unneeded.advice)


def note_exam_kernel(section: Section, notes: Notes) -> None:
    """Notes what the exam kernel was told; it reads a file of the image."""
    for key in section.section("exam_kernel").value:
        section.section("exam_kernel").note(
            notes,
            NoteKind.LEFT_OUT,
            key,
            "the exam kernel reads this from /etc/ipython/ipython_config.py",
            f"write c.ExamKernel.{key} into that file of the exam's image",
        )


def read_exchange(section: Section, notes: Notes) -> frozenset[str] | None:
    """The steps of the exchange that are personalized; None where the section does not say."""
    found: frozenset[str] | None = None
    for key in ("default_exchange", "exchange", "course_exchange"):
        value = section.value.get(key)
        if isinstance(value, list) and value:
            _note_unneeded(section, key, _COMMANDS, notes)
        elif isinstance(value, dict):
            section.section(key).note_unknown(notes, {*_PERSONALIZED, "exchange_root"})
            found = _personalized_in(section.section(key))
    if any(key in section.value for key in _PERSONALIZED):
        found = (found or frozenset()) | _personalized_in(section)
    return found


def is_valid(model: type[BaseModel], value: object) -> str | None:
    """None where `value` is one of the catalog's `model`; otherwise what is wrong with it."""
    try:
        model.model_validate(value)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            return "it is nested too deeply"
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return None


def fault_of_volume(name: str) -> str | None:
    """What is wrong with the name of a volume; None where the catalog can have it."""
    try:
        _VOLUME_NAME.validate_python(name)
    except ValidationError as error:
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return None


def _personalized_in(section: Section) -> frozenset[str]:
    return frozenset(step for step in STEPS if section.value.get(f"personalized_{step}") is True)


def _read_image(section: Section, notes: Notes) -> tuple[str | None, str | None]:
    nested = section.section("image")
    pull_policy = nested.text("pullPolicy", "pull_policy")
    pull_policy = pull_policy or section.text("pullPolicy", "pull_policy")
    if nested.value:
        nested.note_unknown(notes, {"name", "tag", "pullPolicy", "pull_policy"})
        name, tag = nested.text("name"), nested.text("tag")
        name = f"{name}:{tag}" if tag and name else name
    else:
        name = section.text("image")
    if not name and section.value.get("image") not in (None, ""):
        message = "expected a text, or a mapping with a name"
        section.note(notes, NoteKind.LEFT_OUT, "image", message, "set 'image' in the catalog")
    if name and "@" not in name and ":" not in name.rpartition("/")[2]:
        message = f"{name!r} has no tag; ':latest' is written, which is what a node pulled"
        section.note(notes, NoteKind.CHANGED, "image", message, "name a digest")
        name = f"{name}:latest"
    if name and (fault := is_valid(Image, {"name": name})):
        section.note(notes, NoteKind.LEFT_OUT, "image", fault, "set 'image' in the catalog")
        name = ""
    if pull_policy and is_valid(Image, {"name": "a:1", "pull_policy": pull_policy}):
        message = f"{pull_policy!r} is no pull policy; 'IfNotPresent' holds"
        section.note(notes, NoteKind.LEFT_OUT, "image", message)
        pull_policy = ""
    return name or None, pull_policy or None


def _read_resources(section: Section, notes: Notes) -> dict[str, Any]:
    section.note_unknown(notes, {*_RESOURCE_KEYS, "node_affinity"})
    found: dict[str, Any] = {}
    for key, name in _RESOURCE_KEYS.items():
        text = section.text(key)
        if section.value.get(key) in (None, ""):
            continue
        try:
            found[name] = _parse_memory(text) if key.startswith("mem") else _parse_cpu(text)
        except ValueError as error:
            advice = "the outer level's value holds; set a size in the catalog"
            section.note(notes, NoteKind.LEFT_OUT, key, str(error), advice)
    return found


def _parse_memory(text: str) -> str:
    if parse_memory(text) < _LEAST_MEMORY:
        raise ValueError(f"{text!r} is less than 1M, and no server starts with it")
    return text


def _parse_cpu(text: str) -> float:
    try:
        cores = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number of CPU cores") from None
    if not 0 < cores < 10_000:
        raise ValueError(f"{text!r} is no number of CPU cores above 0")
    return cores


def _read_affinity(section: Section, notes: Notes) -> Mapping[str, Any] | None:
    term = section.value.get("node_affinity")
    if not term:
        return None
    if not _is_selector_term(term) or is_valid(Placement, make_placement(term)):
        message = "expected 'matchExpressions', a list of key, operator and values"
        advice = "set 'placement' in the catalog"
        section.note(notes, NoteKind.LEFT_OUT, "node_affinity", message, advice)
        return None
    return dict(term)


def _is_selector_term(term: object) -> bool:
    """Whether this is a Kubernetes NodeSelectorTerm."""
    kinds = ("matchExpressions", "matchFields")
    if not isinstance(term, dict) or not term or set(term) - set(kinds):
        return False
    return all(isinstance(term.get(kind, []), list) for kind in kinds) and all(
        isinstance(item, dict)
        and {"key", "operator"} <= item.keys() <= {"key", "operator", "values"}
        and all(isinstance(item[key], str) for key in ("key", "operator"))
        and _are_texts(item.get("values", []))
        for kind in kinds
        for item in term.get(kind, [])
    )


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def is_shallow(value: object, levels: int = 8) -> bool:
    """Whether `value` has at most `levels` levels, so that it can be written again."""
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(item, levels - 1) for item in items)


def make_placement(term: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog's placement for an e2x `node_affinity`, which is one node selector term."""
    required = {"nodeSelectorTerms": [dict(term)]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


def _read_language(section: Section, notes: Notes) -> str | None:
    """What commands for students set `LANGUAGE` to."""
    for key, place in (
        ("commands", section),
        ("course_cmds", section),
        ("nbgrader_cmds", section.section("nbgrader")),
    ):
        language = parse_language(variables_in(place.value.get(key)).get("LANGUAGE", ""))
        if language is not None:
            message = f"the language is {language!r}, which the commands set LANGUAGE to"
            place.note(notes, NoteKind.DERIVED, key, message, "check 'language' in the catalog")
            return language
    return None


def _read_title(section: Section, key: str, notes: Notes) -> str:
    text = section.text(key)
    plain = " ".join(_TEXT_IN_TAGS.sub("", text).split())[:120]
    if plain != text:
        section.note(notes, NoteKind.CHANGED, key, f"titles are plain text: {plain!r}")
    return plain
