"""Whether servers can be made of a catalog in which every name is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.volumes import COURSE_HUBS, Mount, Seed
from e2xhub.domain.exchange import plan_exchange
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.lockdown import find_ambiguous_hosts, plan_lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import all_chains, exam_settings, merge
from e2xhub.domain.volumes import check_places, fill_directory, mount_around, plan_volumes


def check_feasible(catalog: Catalog) -> list[CatalogFault]:
    """Every term and exam whose servers could not start, or would not keep what people write."""
    return [
        *_colliding_mounts(catalog),
        *_seeds_that_nobody_gets(catalog),
        *_exams_that_lose_work(catalog),
        *_exams_that_share_work(catalog),
        *_names_at_two_addresses(catalog),
    ]


def _colliding_mounts(catalog: Catalog) -> Iterator[CatalogFault]:
    """Mounts that nobody could start a server with, in a catalog without other faults."""
    for chain in all_chains(catalog):
        place, settings = chain[-1][0], merge(catalog, [level for _, level in chain])
        containers: list[tuple[Mapping[str, Mount], NbGrader | None]] = [
            (settings.mounts, settings.nbgrader),
            *((container.mounts, None) for container in settings.extra_containers.values()),
        ]
        messages = (
            _planning_fault(catalog, mounts, nbgrader, owner, settings.home)
            for mounts, nbgrader in containers
            for owner in possible_owners(catalog, place)
        )
        yield from (
            CatalogFault(place=place, message=message)
            for message in dict.fromkeys(filter(None, messages))
        )


def possible_owners(catalog: Catalog, place: Place) -> Iterator[ServerOwner]:
    """Everybody who can have a server of the term or exam at `place`, nobody in particular."""
    if place[0] == "exams":
        exam = catalog.exams[ExamId.parse(place[1])]
        course, term, exam_id, roles_on = str(exam.course), str(exam.term), place[1], EXAM_ROLES_ON
    else:
        course, term, exam_id, roles_on = place[1], place[3], None, COURSE_ROLES_ON
    for hub in HubKind:
        for role in sorted(roles_on[hub]):
            yield ServerOwner(
                username="?", role=role, hub=hub, course=course, term=term, exam=exam_id
            )


def _planning_fault(
    catalog: Catalog,
    mounts: Mapping[str, Mount],
    nbgrader: NbGrader | None,
    owner: ServerOwner,
    home: str | None,
) -> str | None:
    try:
        plan = plan_volumes(catalog, mounts, owner)
        check_places((*plan, *plan_exchange(catalog, nbgrader, owner, home=home).mounts))
    except ValueError as error:
        return str(error)
    return None


def _seeds_that_nobody_gets(catalog: Catalog) -> Iterator[CatalogFault]:
    """Seeds whose place is in no directory that somebody may write to."""
    for chain in all_chains(catalog):
        place, settings = chain[-1][0], merge(catalog, [level for _, level in chain])
        # An exam inherits the seeds of its course, which are meant for the course's servers.
        hubs = {HubKind.EXAM} if place[0] == "exams" else COURSE_HUBS
        owners = [owner for owner in possible_owners(catalog, place) if owner.hub in hubs]
        for name, seed in settings.seeds.items():
            if seed.hubs & hubs and not any(
                _gets_seed(catalog, settings.mounts, seed, owner) for owner in owners
            ):
                yield CatalogFault(
                    place=place,
                    message=f"seed {name!r} would go to {seed.to}, which is in no mount that "
                    "somebody may write to; expected a directory such as '/home/jovyan/start'",
                )


def _gets_seed(
    catalog: Catalog, mounts: Mapping[str, Mount], seed: Seed, owner: ServerOwner
) -> bool:
    if owner.hub not in seed.hubs:
        return False
    try:
        plan = plan_volumes(catalog, mounts, owner)
    except ValueError:  # reported by itself
        return True
    target = mount_around(fill_directory(seed.to, owner.values), plan)
    return target is not None and not target.read_only


def _exams_that_lose_work(catalog: Catalog) -> Iterator[CatalogFault]:
    for exam_id in catalog.exams:
        mounts = exam_settings(catalog, exam_id).mounts.values()
        if not any(
            HubKind.EXAM in mount.hubs
            and Role.STUDENT in mount.access.read_write
            and catalog.volumes[mount.volume].outlives_a_server
            for mount in mounts
        ):
            yield CatalogFault(
                place=("exams", exam_id),
                message="examinees have no directory that lasts, so their work would end with "
                "their server; add a mount with 'hubs: [exam]' and 'access: {read_write: "
                "[student]}', here or in 'defaults'",
            )


def _exams_that_share_work(catalog: Catalog) -> Iterator[CatalogFault]:
    for exam_id in catalog.exams:
        for name, mount in exam_settings(catalog, exam_id).mounts.items():
            writes = HubKind.EXAM in mount.hubs and Role.STUDENT in mount.access.read_write
            if writes and "username" not in fields_of(mount.path):
                yield CatalogFault(
                    place=("exams", exam_id),
                    message=f"all examinees would write to one directory (mount {name!r}, "
                    f"{mount.path!r}); expected {{username}} in its path",
                )


def _names_at_two_addresses(catalog: Catalog) -> Iterator[CatalogFault]:
    """Terms and exams whose locked servers would find one name at two addresses."""
    for chain in all_chains(catalog):
        place, settings = chain[-1][0], merge(catalog, [level for _, level in chain])
        network = NetworkClass.EXAM if place[0] == "exams" else settings.network
        lockdown = plan_lockdown(catalog, settings, network)
        for found in find_ambiguous_hosts(lockdown.destinations if lockdown else {}):
            (one, other), (here, there) = found.destinations, found.addresses
            yield CatalogFault(
                place=(*place, "reach"),
                message=f"{found.host!r} would be {here} by destination {one!r} and {there} by "
                f"{other!r}; expected one address: take the name out of the 'hosts' of one of "
                f"them, or say '{other}: false' here",
            )
