"""What the levels defaults → course → term → exam make together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from e2xhub.domain.catalog import Catalog, Image, Level, Mount, Size
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import NetworkClass

Place = tuple[str, ...]
"""Where a level stands in the catalog, such as `("courses", "maths", "terms", "WS26")`."""

_SINGLE_KEYS = ("image", "sizes", "network", "default_url")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The effective values of one course, term or exam."""

    image: Image
    sizes: Mapping[str, Size]
    network: NetworkClass
    environment: Mapping[str, str]
    mounts: Mapping[str, Mount]
    default_url: str | None


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


def term_settings(catalog: Catalog, course: CourseId, term: TermId) -> Settings:
    """The effective settings of a term of a catalog without faults."""
    return _merge(catalog, [level for _, level in term_levels(catalog, course, term)])


def exam_settings(catalog: Catalog, exam: ExamId) -> Settings:
    """The effective settings of an exam of a catalog without faults."""
    return _merge(catalog, [level for _, level in exam_levels(catalog, exam)])


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One effective value and the level that it came from."""

    key: str
    value: object
    place: Place


def explain(levels: Iterable[tuple[Place, Level]]) -> list[Origin]:
    """Where each effective value of `levels` (outermost first) comes from, by key."""
    found: dict[str, Origin] = {}
    for place, level in levels:
        values = {key: getattr(level, key) for key in _SINGLE_KEYS}
        values |= {f"environment.{name}": text for name, text in level.environment.items()}
        values |= {f"mounts.{name}": mount for name, mount in level.mounts.items()}
        for key, value in values.items():
            if value is not None:
                found[key] = Origin(key=key, value=value, place=place)
    return [found[key] for key in sorted(found)]


def _merge(catalog: Catalog, levels: list[Level]) -> Settings:
    image, sizes, network, default_url = (
        next(
            (value for level in reversed(levels) if (value := getattr(level, key)) is not None),
            None,
        )
        for key in _SINGLE_KEYS
    )
    if image is None or not sizes:
        raise ValueError("no level names an image and sizes; 'e2xhub check' finds this")
    return Settings(
        image=catalog.images[image],
        sizes={name: catalog.sizes[name] for name in sizes},
        network=network or NetworkClass.OPEN,
        environment={key: text for level in levels for key, text in level.environment.items()},
        mounts={name: mount for level in levels for name, mount in level.mounts.items()},
        default_url=default_url,
    )
