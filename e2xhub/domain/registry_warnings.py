"""What a catalog and a roster may say, and hardly mean: warnings for an admin, no faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.catalog.feasibility import possible_owners
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.overlaps import warn_of_links
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.directory_rights import find_useless_rights
from e2xhub.domain.grading_warnings import find_doubtful_graders
from e2xhub.domain.hidden_courses import find_hidden_courses
from e2xhub.domain.offers import Registry
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import ExamMembership
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import all_chains, all_levels, exam_settings, merge_mounts
from e2xhub.domain.volumes import fill_directory, mount_around, plan_volumes

_MOST_ADDRESSES = 256  # of a destination of an exam


def find_warnings(registry: Registry) -> list[CatalogFault]:
    """Every warning, with the place in the catalog that it is about."""
    return [
        *_extra_time_of_nobody(registry),
        *_exams_outside_their_term(registry),
        *_unknown_rooms(registry),
        *_sizes_that_shrink(registry),
        *_wide_destinations(registry.catalog),
        *_homes_of_all(registry),
        *_homes_that_do_not_last(registry.catalog),
        *find_useless_rights(registry.catalog),
        *find_hidden_courses(registry.catalog),
        *find_doubtful_graders(registry),
        *warn_of_links(registry.catalog),
    ]


def _extra_time_of_nobody(registry: Registry) -> Iterator[CatalogFault]:
    for exam_id, exam in registry.catalog.exams.items():
        for username in exam.extra_minutes:
            if not registry.roster.is_examinee(username, exam_id):
                yield _warn(
                    ("exams", exam_id, "extra_minutes", username),
                    f"{str(username)!r} gets extra time and is no examinee of this exam on the "
                    "roster",
                )


def _exams_outside_their_term(registry: Registry) -> Iterator[CatalogFault]:
    for exam_id, exam in registry.catalog.exams.items():
        term = registry.catalog.courses[exam.course].terms[exam.term]
        day = exam.start.astimezone(registry.time_zone).date()
        if not term.start <= day <= term.end:
            yield _warn(
                ("exams", exam_id, "start"),
                f"the exam is on {day}, and its term {str(exam.term)!r} lasts from {term.start} to "
                f"{term.end}",
            )


def _unknown_rooms(registry: Registry) -> Iterator[CatalogFault]:
    """Rooms on the roster are for people to read; who may sign in where is in the catalog."""
    seen: set[tuple[str, str]] = set()
    for membership in registry.roster:
        if not isinstance(membership, ExamMembership):
            continue
        room = membership.attributes.get("room", "")
        if room and (membership.exam, room) not in seen:
            seen.add((membership.exam, room))
            rooms = registry.catalog.exams[membership.exam].rooms
            if room not in rooms:
                yield _warn(
                    ("exams", membership.exam, "rooms"),
                    f"the roster has the room {room!r} (of {membership.username}), and the exam "
                    f"is in: {', '.join(rooms)}",
                )


def _sizes_that_shrink(registry: Registry) -> Iterator[CatalogFault]:
    for exam_id in registry.catalog.exams:
        for name, size in exam_settings(registry.catalog, exam_id).sizes.items():
            limits = (size.memory_limit or size.memory, size.cpu_limit or size.cpu)
            if limits != (size.memory, size.cpu):
                yield _warn(
                    ("exams", exam_id, "sizes"),
                    f"examinees get what size {name!r} guarantees ('memory', 'cpu') and not its "
                    "limits; expected a size for exams without limits of its own",
                )


def _wide_destinations(catalog: Catalog) -> Iterator[CatalogFault]:
    """Networks where exams have single machines, as after a typing error."""
    for exam_id, exam in catalog.exams.items():
        for name in (name for name, is_reached in exam.reach.items() if is_reached):
            for version, count in count_many_addresses(catalog.destinations[name]).items():
                yield _warn(
                    ("exams", exam_id, "reach", name),
                    f"exam {str(exam_id)!r} reaches {count:,} IPv{version} addresses by the "
                    f"destination {name!r}; expected at most {_MOST_ADDRESSES}, better single "
                    "machines",
                )


def count_many_addresses(destination: Destination) -> dict[int, int]:
    """How many addresses of IPv4 and IPv6 (keys 4 and 6) a destination has, where those of one are
    more than an exam is expected to reach; empty: it is as narrow as it should be."""
    counts = destination.count_addresses().items()
    return {version: count for version, count in counts if count > _MOST_ADDRESSES}


def _homes_of_all(registry: Registry) -> Iterator[CatalogFault]:
    for place, level in all_levels(registry.catalog):
        for name, mount in level.mounts.items():
            is_home = mount.mount_at.startswith("/home/") and mount.hubs != {HubKind.EXAM}
            written = Role.STUDENT in mount.access.read_write
            if is_home and written and "username" not in fields_of(mount.path):
                yield _warn(
                    (*place, "mounts", name, "path"),
                    f"all students write to one directory at {mount.mount_at}; is {{username}} "
                    f"missing in {mount.path!r}?",
                )


def _homes_that_do_not_last(catalog: Catalog) -> Iterator[CatalogFault]:
    """Homes that no directory holds: what people write there ends with the server."""
    found: dict[tuple[Place, str], dict[str, set[str]]] = {}
    for chain in all_chains(catalog):
        for place, home in [(place, level.home) for place, level in chain if level.home][-1:]:
            losing = _roles_that_lose(catalog, chain, home)
            if losing:
                found.setdefault((place, home), {})[".".join(chain[-1][0])] = losing
    for (place, home), by_end in found.items():
        roles, first = sorted(set().union(*by_end.values())), next(iter(by_end))
        others = f" and {len(by_end) - 1} more" if len(by_end) > 1 else ""
        yield _warn(
            (*place, "home"),
            f"{home!r} lies in no mount of {', '.join(roles)} in {first}{others}, so what they "
            "write there ends with their server; expected a mount there that lasts",
        )


def _roles_that_lose(catalog: Catalog, chain: list[tuple[Place, Level]], home: str) -> set[str]:
    """The roles in a term or exam whose work in `home` nothing keeps."""
    mounts = merge_mounts(level for _, level in chain)
    return {
        owner.role.value
        for owner in possible_owners(catalog, chain[-1][0])
        if not owner.writes_nothing and not _lasts(catalog, mounts, home, owner)
    }


def _lasts(catalog: Catalog, mounts: Mapping[str, Mount], home: str, owner: ServerOwner) -> bool:
    plan = plan_volumes(catalog, mounts, owner)
    holding = mount_around(fill_directory(home, owner.values), plan)
    return holding is not None and catalog.volumes[holding.volume].outlives_a_server


def _warn(place: Place, message: str) -> CatalogFault:
    return CatalogFault(place=place, message=message)
