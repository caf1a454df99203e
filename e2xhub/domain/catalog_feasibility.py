"""Whether servers can be made of a catalog in which every name is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog_model import Place, ReferenceFault
from e2xhub.domain.catalog_volumes import COURSE_HUBS, Mount, Seed
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role
from e2xhub.domain.settings import exam_levels, exam_settings, merge, merge_mounts, term_levels
from e2xhub.domain.volumes import Viewer, fill_directory, mount_around, plan_volumes


def check_feasible(catalog: Catalog) -> list[ReferenceFault]:
    """Every term and exam whose servers could not start, or would not keep what people write."""
    return [
        *_colliding_mounts(catalog),
        *_seeds_that_nobody_gets(catalog),
        *_exams_that_lose_work(catalog),
    ]


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


def _colliding_mounts(catalog: Catalog) -> Iterator[ReferenceFault]:
    """Mounts that nobody could start a server with, in a catalog without other faults."""
    for chain in all_chains(catalog):
        place, levels = chain[-1][0], [level for _, level in chain]
        containers = [merge_mounts(levels)]
        containers += [
            dict(container.mounts) for container in merge(catalog, levels).extra_containers.values()
        ]
        messages = (
            _planning_fault(catalog, mounts, viewer, _sample_values(catalog, place))
            for mounts in containers
            for viewer in _viewers(place)
        )
        yield from (
            ReferenceFault(place=place, message=message)
            for message in dict.fromkeys(filter(None, messages))
        )


def _viewers(place: Place) -> Iterator[Viewer]:
    """Everybody who can have a server of the term or exam at `place`."""
    roles_on = EXAM_ROLES_ON if place[0] == "exams" else COURSE_ROLES_ON
    for hub in HubKind:
        for role in sorted(roles_on[hub]):
            yield Viewer(hub=hub, role=role)


def _planning_fault(
    catalog: Catalog, mounts: Mapping[str, Mount], viewer: Viewer, values: dict[str, str]
) -> str | None:
    try:
        plan_volumes(catalog, mounts, viewer, _with_viewer(values, viewer))
    except ValueError as error:
        return str(error)
    return None


def _seeds_that_nobody_gets(catalog: Catalog) -> Iterator[ReferenceFault]:
    """Seeds whose place is in no directory that somebody may write to."""
    for chain in all_chains(catalog):
        place, settings = chain[-1][0], merge(catalog, [level for _, level in chain])
        # An exam inherits the seeds of its course, which are meant for the course's servers.
        hubs = {HubKind.EXAM} if place[0] == "exams" else COURSE_HUBS
        viewers = [viewer for viewer in _viewers(place) if viewer.hub in hubs]
        values = _sample_values(catalog, place)
        for name, seed in settings.seeds.items():
            if seed.hubs & hubs and not any(
                _gets_seed(catalog, settings.mounts, seed, viewer, values) for viewer in viewers
            ):
                yield ReferenceFault(
                    place=place,
                    message=f"seed {name!r} would go to {seed.to}, which is in no mount that "
                    "somebody may write to; expected a directory such as '/home/jovyan/start'",
                )


def _gets_seed(
    catalog: Catalog,
    mounts: Mapping[str, Mount],
    seed: Seed,
    viewer: Viewer,
    values: dict[str, str],
) -> bool:
    if viewer.hub not in seed.hubs:
        return False
    filled = _with_viewer(values, viewer)
    try:
        plan = plan_volumes(catalog, mounts, viewer, filled)
    except ValueError:  # reported by itself
        return True
    target = mount_around(fill_directory(seed.to, filled), plan)
    return target is not None and not target.read_only


def _exams_that_lose_work(catalog: Catalog) -> Iterator[ReferenceFault]:
    for exam_id in catalog.exams:
        mounts = exam_settings(catalog, exam_id).mounts.values()
        if not any(
            HubKind.EXAM in mount.hubs
            and Role.STUDENT in mount.access.read_write
            and catalog.volumes[mount.volume].outlives_a_server
            for mount in mounts
        ):
            yield ReferenceFault(
                place=("exams", exam_id),
                message="examinees have no directory that lasts, so their work would end with "
                "their server; add a mount with 'hubs: [exam]' and 'access: {read_write: "
                "[student]}', here or in 'defaults'",
            )


def _with_viewer(values: Mapping[str, str], viewer: Viewer) -> dict[str, str]:
    return {**values, "hub": viewer.hub.value, "role": viewer.role.value}


def _sample_values(catalog: Catalog, place: Place) -> dict[str, str]:
    """What fills the templates of the term or exam at `place`, for nobody in particular."""
    if place[0] == "exams":
        exam = catalog.exams[ExamId.parse(place[1])]
        return {"course": exam.course, "term": exam.term, "exam": place[1], "username": "?"}
    return {"course": place[1], "term": place[3], "username": "?"}
