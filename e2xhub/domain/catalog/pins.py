"""Whether the images of a catalog mean the same content tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.catalog.servers import Image
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import exam_settings


def check_pinned(catalog: Catalog) -> list[CatalogFault]:
    """A fault for each image whose name may mean another content tomorrow."""
    return [_unpinned(name, image) for name, image in catalog.images.items() if not image.is_pinned]


def check_frozen(catalog: Catalog, today: date) -> list[CatalogFault]:
    """A fault for each exam whose image should not change any more and has no digest.

    `today` is the day at the university.
    """
    return [
        CatalogFault(
            place=("exams", exam_id, "freeze_image_on"),
            message=f"the image of this exam is frozen since {exam.freeze_image_on}, and "
            f"{image.name!r} has no digest; expected '{image.name}@sha256:…'",
        )
        for exam_id, exam in catalog.exams.items()
        if exam.freeze_image_on is not None and exam.freeze_image_on <= today
        for image in _images_of(catalog, exam_id)
        if not image.is_pinned
    ]


def _unpinned(name: str, image: Image) -> CatalogFault:
    return CatalogFault(
        place=("images", name, "name"),
        message=f"image {name!r} has no digest; expected '{image.name}@sha256:…'",
    )


def _images_of(catalog: Catalog, exam: ExamId) -> Iterator[Image]:
    settings = exam_settings(catalog, exam)
    yield settings.image
    for container in settings.extra_containers.values():
        if HubKind.EXAM in container.hubs:
            yield catalog.images[container.image]
