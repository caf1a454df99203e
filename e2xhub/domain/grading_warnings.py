"""Who grades where they study, and who could write what examinees have written: for an admin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.feasibility import possible_owners
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.volumes import COURSE_HUBS
from e2xhub.domain.exam_places import ExamPlaces
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.settings import all_chains, merge_mounts
from e2xhub.domain.volumes import plan_volumes
from e2xhub.errors import Sentence

_GRADING = frozenset({Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER})
_SHOWN = 3


def find_doubtful_graders(registry: Registry) -> Iterator[CatalogFault]:
    """A warning for each term and exam with graders who are its students, for each mount of staff
    that reaches what examinees write, and for each exchange from which a link would."""
    roles: defaultdict[tuple[Place, str], set[Role]] = defaultdict(set)
    for membership in registry.roster:
        roles[_place_of(membership), membership.username].add(membership.role)
    found: defaultdict[Place, list[str]] = defaultdict(list)
    for (place, username), several in roles.items():
        if Role.STUDENT in several and several & _doubtful_in(place):
            found[place].append(username)
    for place, usernames in found.items():
        yield CatalogFault(place=place, message=_tell(place, usernames))
    yield from _writable_work(registry.catalog)
    yield from find_exams_beside_an_exchange(registry.catalog)


def find_exams_beside_an_exchange(catalog: Catalog) -> Iterator[CatalogFault]:
    """A warning for each exchange of courses on a volume that has files of exams.

    Kubernetes follows a link on the way to what it mounts as long as it stays in the volume. Who
    grades writes to `personalized-feedback`, in which the servers of students mount their parts.
    """
    places = ExamPlaces(catalog)
    for place, nbgrader in _exchanges_of_courses(catalog).items():
        if exams := places.reached_from(nbgrader.volume, ""):
            yield CatalogFault(
                place=place,
                message=f"whoever grades writes to {nbgrader.exchange!r}, from inside which "
                "students' servers mount directories, and the same volume has files of exams "
                f"({_name_some(exams)}): a link that a grader makes there would show them to a "
                "student; expected another volume for exams, an NFS export that is not below "
                "this one, or a claim",
            )


def find_unrecorded_exams(registry: Registry, now: datetime) -> set[ExamId]:
    """The exams of this hub that are over and for which nobody was ever given a code, as far as
    its database says; none while that cannot be read. They may have no examinees."""
    changes = registry.changes
    if not changes.is_readable:
        return set()
    recorded: set[ExamId] = set().union(*changes.sat.values())
    return {
        exam
        for exam in registry.catalog.exams
        if exam not in recorded and registry.serves_exam(exam) and registry.is_over(exam, now)
    }


def _place_of(membership: Membership) -> Place:
    if isinstance(membership, CourseMembership):
        return ("courses", membership.course, "terms", membership.term)
    return ("exams", membership.exam)


def _doubtful_in(place: Place) -> frozenset[Role]:
    """Instructors enrol themselves to see their course as students do; nobody so does in an
    exam."""
    return _GRADING if place[0] == "exams" else frozenset({Role.GRADER})


def _name_some(names: Collection[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(sorted(names)[:_SHOWN])}{more}"


def _tell(place: Place, usernames: list[str]) -> str:
    who = _name_some(usernames)
    if place[0] == "exams":
        return Sentence(
            "who grades or observes this exam is among its examinees, and gets no server to grade "
            "it: {who}; expected others",
            who=who,
        )
    return Sentence(
        "students of this term also grade it, their own work included: {who}; expected graders "
        "who do not study in it",
        who=who,
    )


def _writable_work(catalog: Catalog) -> Iterator[CatalogFault]:
    """What the catalog's mounts say, and the grading hub does not do."""
    places = ExamPlaces(catalog)
    found: dict[Place, tuple[str, set[ExamId]]] = {}
    for chain in all_chains(catalog):
        mounts = merge_mounts(level for _, level in chain)
        for owner in possible_owners(catalog, chain[-1][0]):
            if owner.hub is HubKind.EXAM or owner.role not in _GRADING:
                continue
            for mount in plan_volumes(catalog, mounts, owner):
                exams = places.reached_from(mount.volume, mount.sub_path, work_only=True)
                if exams and not mount.read_only:
                    place = _place_of_mount(chain, mount.name)
                    found.setdefault(place, (mount.sub_path, set()))[1].update(exams)
    for place, (path, exams) in found.items():
        yield CatalogFault(
            place=place,
            message=f"{path!r} has what examinees of {', '.join(sorted(exams))} write: whoever "
            "grades gets it when the exam is over for everybody, and read-only; expected "
            "'read_only' for them, and a directory of its own for what they write",
        )


def _place_of_mount(chain: list[tuple[Place, Level]], name: str) -> Place:
    """Where the innermost level declares it; nobody writes to data sets."""
    declaring = [place for place, level in chain if name in level.mounts]
    return (*declaring[-1], "mounts", name)


def _exchanges_of_courses(catalog: Catalog) -> dict[Place, NbGrader]:
    """Those that count in a term, by where they are declared."""
    found: dict[Place, NbGrader] = {}
    for chain in all_chains(catalog):
        declared = [(place, it.nbgrader) for place, it in chain if it.nbgrader is not None]
        if chain[-1][0][0] == "exams" or not declared:
            continue
        place, nbgrader = declared[-1]
        if nbgrader.hubs & COURSE_HUBS:
            at: Place = (*place, "nbgrader", "exchange")
            found[at] = nbgrader
    return found
