"""Which settings of a term its staff may read, and from which level each comes.

What is not named here is not shown: servers of volumes, paths in them, values of environment
variables (some are keys of services), nodes, users and raw overrides are for administrators, who
have `e2xhub check --explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import Place
from e2xhub.domain.catalog.servers import GitPull
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.roles import Role
from e2xhub.domain.settings import Origin, explain, term_levels

_LEVELS = {1: "defaults", 2: "course", 4: "term"}


@dataclass(frozen=True, kw_only=True)
class EffectiveSetting:
    """A value that holds for a term."""

    key: str
    """As the catalog calls it, such as `image` or `mounts.home`."""
    value: str
    """In one line; empty where only that there is one may be read (`environment`)."""
    level: str
    """Where it is set: `defaults`, `course` or `term`."""


def list_settings(catalog: Catalog, course: CourseId, term: TermId) -> tuple[EffectiveSetting, ...]:
    """The settings of a term that its staff may read, by key; raises KeyError if it is unknown."""
    origins = explain(term_levels(catalog, course, term))
    known = {"{course}": str(course), "{term}": str(term)}
    return tuple(setting for origin in origins for setting in _shown(origin, known))


def _shown(origin: Origin, known: Mapping[str, str]) -> Iterator[EffectiveSetting]:
    """With the fields of paths that are `known` filled in; others depend on who looks."""
    show = _SHOWN.get(origin.key.partition(".")[0])
    if show is not None:
        value = show(origin.value)
        for field, text in known.items():
            value = value.replace(field, text)
        yield EffectiveSetting(key=origin.key, value=value, level=_level_of(origin.place))


def _level_of(place: Place) -> str:
    return _LEVELS[len(place)]


def _text(value: Any) -> str:
    """A single value, or a list of names, as the catalog writes it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)


def _mount(value: Mount) -> str:
    """Where it is in the server, and who reads and writes there."""
    access = value.access
    told = [f"{_roles(access.read_write)}: read and write"] if access.read_write else []
    told += [f"{_roles(access.read_only)}: read"] if access.read_only else []
    return f"{value.mount_at} ({'; '.join(told)})"


def _roles(roles: frozenset[Role]) -> str:
    return ", ".join(role.value for role in Role if role in roles)


def _repository(value: GitPull) -> str:
    """Its address has no key in it: the catalog refuses one."""
    return f"{value.repo} ({value.branch})" if value.branch else str(value.repo)


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(
        (
            *("image", "sizes", "network", "reach", "name_service", "language", "contact"),
            *("default_url", "home", "archive_days", "stop_after_minutes", "members_managed_in"),
        ),
        _text,
    ),
    "mounts": _mount,
    "data_sets": lambda value: value.mount_at or "",
    "seeds": lambda value: str(value.to),
    "extra_containers": lambda value: str(value.image),
    "nbgrader": lambda value: str(value.exchange_at),
    "nbgitpuller": _repository,
    "environment": lambda _value: "",
}
"""How the value of each key is shown, by the first part of the key."""
