"""Images and sizes of a deployment under names of the catalog; equal ones have one name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from e2xhub.domain.catalog.values import parse_memory
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import LegacyTerm
from e2xhub.imports.legacy.legacy_settings import LegacySettings
from e2xhub.imports.legacy.report import NoteKind, Notes, Where

PLACEHOLDER_IMAGE = "registry.invalid/to-be-filled-in:none"
"""No registry has a name below `.invalid` (RFC 2606), so nothing starts by accident."""

_ASSUMED_MEMORY, _ASSUMED_CPU = "1G", 0.05
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_WHOLE = Where(file=".")


@dataclass(kw_only=True)
class ServerNames:
    """Collects images and sizes; `images` and `sizes` are those parts of the catalog."""

    notes: Notes
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _defaults: dict[str, Any] = field(default_factory=dict)
    _main_resources: Mapping[str, Any] = field(default_factory=dict)

    def make_defaults(self, settings: LegacySettings) -> dict[str, Any]:
        """Image and sizes that hold where nothing else is said; made up where nothing is."""
        if settings.image is None:
            message = "no file of a hub names an image, so no server starts yet"
            self._to_fill_in("defaults.image", message, "set the image")
            settings = replace(settings, image=PLACEHOLDER_IMAGE, pull_policy=None)
        if not settings.resources:
            message = f"no file says what a server gets; {_ASSUMED_MEMORY} is written"
            self._to_fill_in("defaults.sizes", message, "set the sizes")
        self._main_resources = settings.resources
        size = self._checked(settings.resources, _WHOLE)
        self._defaults = {"image": self._image(settings), "sizes": [self._size(size)]}
        return self._defaults

    def make_level(self, settings: LegacySettings, where: Where) -> dict[str, Any]:
        """Image and sizes of a term, where they are not those of the defaults."""
        made: dict[str, Any] = {}
        if settings.image:
            made["image"] = self._image(settings)
        if settings.resources:
            made["sizes"] = [self._size(self._checked(settings.resources, where))]
        return {key: value for key, value in made.items() if value != self._defaults[key]}

    def make_exam_level(self, settings: LegacySettings, where: Where) -> dict[str, Any]:
        """As `make_level`, with the limits as guarantees: in an exam they are the same."""
        made = self.make_level(replace(settings, resources={}), where)
        size = self._checked(settings.resources or self._main_resources, where)
        limits = {"memory": size["memory_limit"], "cpu": size["cpu_limit"]}
        if (size["memory"], size["cpu"]) != (limits["memory"], limits["cpu"]):
            message = (
                f"everybody is guaranteed {limits['memory']} and {limits['cpu']:g} CPU, the old "
                f"limits (guarantees were {size['memory']} and {size['cpu']:g})"
            )
            advice = "see that the nodes have room, or choose a smaller size"
            self.notes.add(NoteKind.CHANGED, where, "resources", message, advice)
        return {**made, "sizes": [self._size(_complete(limits))]}

    def note_differences(self, term: LegacyTerm) -> None:
        """Notes what graders of `term` had and students had not: a term has one of each."""
        student, grader = (term.settings.get(role) for role in (Role.STUDENT, Role.GRADER))
        if student is None or grader is None:
            return
        for key in ("image", "resources", "node_affinity"):
            mine, theirs = getattr(grader, key), getattr(student, key)
            if mine is not None and mine != theirs:
                message = f"graders of {term.course_id} had {_show(mine)}, students {_show(theirs)}"
                advice = "the students' holds for all; add a size or image for graders by hand"
                self.notes.add(NoteKind.LEFT_OUT, term.where, key, message, advice)

    def _checked(self, resources: Mapping[str, Any], where: Where) -> dict[str, Any]:
        size = _complete(resources)
        lowest = _complete({**resources, **_raised(size)})
        if lowest != size:
            message = "a limit is below its guarantee; the guarantee is written for both"
            self.notes.add(NoteKind.CHANGED, where, "resources", message, "check the size")
        return lowest

    def _image(self, settings: LegacySettings) -> str:
        image: dict[str, Any] = {"name": settings.image}
        if settings.pull_policy:
            image["pull_policy"] = settings.pull_policy
        text = str(settings.image).partition("@")[0].rpartition("/")[2]
        return _name_of(image, self.images, text)

    def _size(self, resources: Mapping[str, Any]) -> str:
        limit, cpu = resources["memory_limit"], resources["cpu_limit"]
        size = {"title": f"{limit} memory, {cpu:g} CPU", **resources}
        return _name_of(size, self.sizes, f"{limit}-{cpu:g}cpu")

    def _to_fill_in(self, subject: str, message: str, advice: str) -> None:
        self.notes.add(NoteKind.TO_FILL_IN, _WHOLE, subject, message, advice)


def _name_of(value: dict[str, Any], known: dict[str, dict[str, Any]], text: str) -> str:
    """The name of `value` in `known`, where it gets one like `text` if it has none."""
    for name, other in known.items():
        if other == value:
            return name
    base = _NOT_IN_NAMES.sub("-", text.lower()).strip("-")[:60] or "unnamed"
    name, count = base, 1
    while name in known:
        count += 1
        name = f"{base}-{count}"
    known[name] = value
    return name


def _complete(resources: Mapping[str, Any]) -> dict[str, Any]:
    """All four amounts; a limit stands in for its guarantee only where that is small."""
    memory = resources.get("memory") or resources.get("memory_limit") or _ASSUMED_MEMORY
    cpu = resources.get("cpu") or min(resources.get("cpu_limit") or _ASSUMED_CPU, _ASSUMED_CPU)
    return {
        "memory": memory,
        "memory_limit": resources.get("memory_limit") or memory,
        "cpu": cpu,
        "cpu_limit": resources.get("cpu_limit") or max(cpu, 1.0),
    }


def _raised(size: Mapping[str, Any]) -> dict[str, Any]:
    """Limits that are below their guarantees, raised to them."""
    raised: dict[str, Any] = {}
    if parse_memory(size["memory_limit"]) < parse_memory(size["memory"]):
        raised["memory_limit"] = size["memory"]
    if size["cpu_limit"] < size["cpu"]:
        raised["cpu_limit"] = size["cpu"]
    return raised


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "nothing"
    return str(value or "nothing")
