"""The exchange and the graders' directory may be on two volumes, as e2x has them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.exchange import plan_exchange
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import merge_users
from tests.examples import load_example

GRADER = ServerOwner(
    username="gina", role=Role.GRADER, hub=HubKind.GRADING, course="databases", term="WS26"
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_example()


def nbgrader_on(*, exchange: str, course: str | None, path: str = "x/{term}") -> NbGrader:
    return NbGrader(
        volume=exchange, exchange="x/{term}", course_directory=path, course_volume=course
    )


def test_course_is_on_its_own_volume(catalog: Catalog) -> None:
    nbgrader = nbgrader_on(exchange="files", course="claims")
    mounts = plan_exchange(catalog, nbgrader, GRADER).mounts
    assert [(mount.name, mount.volume, next(iter(mount.source))) for mount in mounts] == [
        ("nbgrader/outbound", "files", "nfs"),
        ("nbgrader/personalized-inbound", "files", "nfs"),
        ("nbgrader/personalized-feedback", "files", "nfs"),
        ("nbgrader/course_directory", "claims", "persistentVolumeClaim"),
    ]


def test_each_volume_says_for_itself_whether_directories_are_prepared(catalog: Catalog) -> None:
    nbgrader = nbgrader_on(exchange="objects", course="files")
    mounts = plan_exchange(catalog, nbgrader, GRADER, merge_users([])).mounts
    assert [mount.if_new is None for mount in mounts] == [True, True, True, False]


@pytest.mark.parametrize("course", [None, "files"])
def test_on_one_volume_the_course_is_not_in_the_exchange(course: str | None) -> None:
    with pytest.raises(ValidationError, match="lie in each other"):
        nbgrader_on(exchange="files", course=course, path="x/{term}/source")
