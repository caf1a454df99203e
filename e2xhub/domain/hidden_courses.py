"""Courses that nbgrader's formgrader does not show, because they lie outside the home directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.feasibility import possible_owners
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader, home_or_usual
from e2xhub.domain.exchange import has_exchange
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import Settings, all_chains, merge
from e2xhub.domain.volumes import fill_directory


def find_hidden_courses(catalog: Catalog) -> list[CatalogFault]:
    """A warning for each `course_at` that the formgrader cannot reach, at the key."""
    return [
        CatalogFault(
            place=place,
            message=f"{course_at!r} is not below the home directory {home!r}, and the formgrader "
            f"shows only what is there; expected no 'course_at', or one such as "
            f"'{home.rstrip('/')}/courses/{{course}}'",
        )
        for place, (course_at, home) in dict(_hidden(catalog)).items()
    ]


def _hidden(catalog: Catalog) -> Iterator[tuple[Place, tuple[str, str]]]:
    for chain in all_chains(catalog):
        settings = merge(catalog, [level for _, level in chain])
        levels = [place for place, level in chain if level.nbgrader is not None]
        nbgrader, home = settings.nbgrader, home_or_usual(settings.home)
        if nbgrader is None or nbgrader.course_at is None or not _shows_the_home(settings):
            continue
        for owner in possible_owners(catalog, chain[-1][0]):
            if not _is_in(nbgrader.course_at, home, nbgrader, owner):
                yield (*levels[-1], "nbgrader", "course_at"), (nbgrader.course_at, home)


def _shows_the_home(settings: Settings) -> bool:
    """Whether servers show files from the home on, and nobody has set another directory."""
    return not settings.kubespawner_override.get("notebook_dir")


def _is_in(course_at: str, home: str, nbgrader: NbGrader, owner: ServerOwner) -> bool:
    """Whether the directory is in the home, for somebody who has it."""
    if nbgrader.course_directory is None or not has_exchange(nbgrader, owner):
        return True
    directory = PurePosixPath(fill_directory(course_at, owner.values))
    return directory.is_relative_to(fill_directory(home, owner.values))
