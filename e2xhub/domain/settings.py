"""What the levels defaults → course → term → exam make together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2xhub.domain.catalog import Catalog, Exam, Level
from e2xhub.domain.catalog.model import Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.servers import (
    Affinity,
    ExtraContainer,
    GitPull,
    Image,
    Size,
    Toleration,
    UserIds,
)
from e2xhub.domain.catalog.volumes import Mount, Seed
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.members_place import MembersPlace
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.roles import Role

# The innermost level that sets one of these wins.
_SINGLE_KEYS = (
    *("image", "sizes", "network", "name_service", "home", "default_url", "language", "contact"),
    *("nbgrader", "nbgitpuller", "archive_days", "stop_after_minutes", "members_managed_in"),
)
# Of these each name is a value of its own.
_NAMED_KEYS = ("environment", "mounts", "data_sets", "seeds", "extra_containers", "reach")
# Work that an exam ends must not be lost to a value that was meant for a course, and what a course
# may reach must not be open in its exam. No page changes the roster of an exam.
_OF_THE_EXAM_ALONE = frozenset(
    {"stop_after_minutes", "reach", "name_service", "members_managed_in"}
)
# As deployments of e2x have it: what graders write is not a student's to change.
_STUDENT = UserIds(user=1000, group=1000)
_STAFF = UserIds(user=2000, group=2000)


@dataclass(frozen=True, kw_only=True)
class EffectivePlacement:
    """On which nodes servers run, after all levels."""

    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    affinity: Affinity


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The effective values of one course, term or exam."""

    image: Image
    sizes: Mapping[str, Size]
    network: NetworkClass
    reach: Mapping[str, bool]
    """Whether a locked server reaches a destination, by the destination's name."""
    name_service: bool | None
    """None: as its network class says."""
    run_as: Mapping[Role, UserIds]
    """For every role."""
    home: str | None
    language: str | None
    contact: str | None
    environment: Mapping[str, str]
    mounts: Mapping[str, Mount]
    """By name; data sets are among them, named `data_sets/<name>`."""
    seeds: Mapping[str, Seed]
    placement: EffectivePlacement
    extra_containers: Mapping[str, ExtraContainer]
    default_url: str | None
    nbgrader: NbGrader | None
    nbgitpuller: GitPull | None
    archive_days: int
    stop_after_minutes: int | None
    members_managed_in: MembersPlace
    kubespawner_override: Mapping[str, Any]


def term_levels(catalog: Catalog, course: CourseId, term: TermId) -> Iterator[tuple[Place, Level]]:
    """The levels of a term with their places, outermost first; raises KeyError if it is unknown."""
    yield ("defaults",), catalog.defaults
    yield ("courses", course), catalog.courses[course]
    yield ("courses", course, "terms", term), catalog.courses[course].terms[term]


def exam_levels(catalog: Catalog, exam: ExamId) -> Iterator[tuple[Place, Level]]:
    """The levels of an exam with their places, outermost first; raises KeyError if unknown."""
    declared = catalog.exams[exam]
    yield from term_levels(catalog, declared.course, declared.term)
    yield ("exams", exam), declared


def all_levels(catalog: Catalog) -> Iterator[tuple[Place, Level]]:
    """Every level of `catalog` with its place, outermost first."""
    yield ("defaults",), catalog.defaults
    for course_id, course in catalog.courses.items():
        yield ("courses", course_id), course
        for term_id, term in course.terms.items():
            yield ("courses", course_id, "terms", term_id), term
    for exam_id, exam in catalog.exams.items():
        yield ("exams", exam_id), exam


def all_chains(catalog: Catalog) -> Iterator[list[tuple[Place, Level]]]:
    """The levels of each term and each exam, outermost first."""
    for course_id, course in catalog.courses.items():
        for term_id in course.terms:
            yield list(term_levels(catalog, course_id, term_id))
    for exam_id, exam in catalog.exams.items():
        if exam.course in catalog.courses and exam.term in catalog.courses[exam.course].terms:
            yield list(exam_levels(catalog, exam_id))


def term_settings(catalog: Catalog, course: CourseId, term: TermId) -> Settings:
    """The effective settings of a term of a catalog without faults."""
    return merge(catalog, [level for _, level in term_levels(catalog, course, term)])


def exam_settings(catalog: Catalog, exam: ExamId) -> Settings:
    """The effective settings of an exam of a catalog without faults."""
    return merge(catalog, [level for _, level in exam_levels(catalog, exam)])


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One effective value and the level that it came from."""

    key: str
    value: object
    place: Place


def explain(levels: Iterable[tuple[Place, Level]]) -> list[Origin]:
    """Where each effective value of `levels` (outermost first) comes from, by key."""
    found: dict[str, Origin] = {}
    chain = list(levels)
    for place, level in chain:
        for key, value in _values_of(level):
            if value is not None and _reaches(key, level, chain[-1][1]):
                _forget_replaced(found, key)
                found[key] = Origin(key=key, value=value, place=place)
    return [found[key] for key in sorted(found)]


def _forget_replaced(found: dict[str, Origin], key: str) -> None:
    """A value replaces a mapping in its place, and a mapping a value."""
    for known in list(found):
        if known.startswith(f"{key}.") or key.startswith(f"{known}."):
            del found[known]


def merge(catalog: Catalog, levels: Sequence[Level]) -> Settings:
    """The settings that `levels` (outermost first) of a catalog without faults make together."""
    image, sizes = _innermost(levels, "image"), _innermost(levels, "sizes")
    if image is None or not sizes:
        raise ValueError("no level names an image and sizes; 'e2xhub check' finds this")
    return Settings(
        image=catalog.images[image],
        sizes={name: catalog.sizes[name] for name in sizes},
        network=_innermost(levels, "network") or NetworkClass.OPEN,
        reach=_by_name(levels, "reach"),
        name_service=_innermost(levels, "name_service"),
        run_as=merge_users(levels),
        home=_innermost(levels, "home"),
        language=_innermost(levels, "language"),
        contact=_innermost(levels, "contact"),
        environment=_by_name(levels, "environment"),
        mounts=merge_mounts(levels),
        seeds=_by_name(levels, "seeds"),
        placement=_merge_placement(levels),
        extra_containers=_by_name(levels, "extra_containers"),
        default_url=_innermost(levels, "default_url"),
        nbgrader=_innermost(levels, "nbgrader"),
        nbgitpuller=_innermost(levels, "nbgitpuller"),
        archive_days=_innermost(levels, "archive_days") or 0,
        stop_after_minutes=_innermost(levels, "stop_after_minutes"),
        members_managed_in=_innermost(levels, "members_managed_in") or MembersPlace.PAGES,
        kubespawner_override=merge_overrides([level.kubespawner_override for level in levels]),
    )


def merge_users(levels: Iterable[Level]) -> dict[Role, UserIds]:
    """As whom the servers of each role run; every role has a user."""
    merged = {role: _STUDENT if role is Role.STUDENT else _STAFF for role in Role}
    for level in levels:
        merged |= level.run_as
    return merged


def merge_mounts(levels: Iterable[Level]) -> dict[str, Mount]:
    """The mounts of `levels` (outermost first) by name, with the data sets as mounts."""
    merged: dict[str, Mount] = {}
    for level in levels:
        merged |= level.mounts
        merged |= {
            f"data_sets/{name}": data_set.as_mount(name)
            for name, data_set in level.data_sets.items()
        }
    return merged


def merge_overrides(overrides: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings merged key by key at any depth, outermost first; any other value replaces."""
    merged: dict[str, Any] = {}
    for override in overrides:
        for key, value in override.items():
            known = merged.get(key)
            if isinstance(known, Mapping) and isinstance(value, Mapping):
                merged[key] = merge_overrides([known, value])
            else:
                merged[key] = value
    return merged


def _reaches(key: str, level: Level, innermost: Level) -> bool:
    """Whether what `level` says about `key` holds for `innermost` inside it."""
    is_of_the_exam = key.partition(".")[0] in _OF_THE_EXAM_ALONE
    return level is innermost or not (isinstance(innermost, Exam) and is_of_the_exam)


def _innermost(levels: Sequence[Level], key: str) -> Any:
    values = (getattr(level, key) for level in reversed(levels) if _reaches(key, level, levels[-1]))
    return next((value for value in values if value is not None), None)


def _by_name(levels: Sequence[Level], key: str) -> dict[str, Any]:
    reaching = (level for level in levels if _reaches(key, level, levels[-1]))
    return {name: value for level in reaching for name, value in getattr(level, key).items()}


def _merge_placement(levels: Iterable[Level]) -> EffectivePlacement:
    placements = [level.placement for level in levels if level.placement]
    tolerations = [p.tolerations for p in placements if p.tolerations is not None]
    affinities = [p.affinity for p in placements if p.affinity is not None]
    return EffectivePlacement(
        node_selector={name: text for p in placements for name, text in p.node_selector.items()},
        tolerations=tolerations[-1] if tolerations else (),
        affinity=affinities[-1] if affinities else Affinity(),
    )


def _values_of(level: Level) -> Iterator[tuple[str, object]]:
    """What a level sets, by the keys under which `explain` shows it."""
    for key in _SINGLE_KEYS:
        yield key, getattr(level, key)
    for key in _NAMED_KEYS:
        for name, value in getattr(level, key).items():
            yield f"{key}.{name}", value
    for role, ids in level.run_as.items():
        yield f"run_as.{role.value}", ids
    yield from _flatten("kubespawner_override", level.kubespawner_override)
    if level.placement:
        for name, text in level.placement.node_selector.items():
            yield f"placement.node_selector.{name}", text
        yield "placement.tolerations", level.placement.tolerations
        yield "placement.affinity", level.placement.affinity


def _flatten(key: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(f"{key}.{name}", item)
    else:
        yield key, value
