"""Where people cannot do in a new directory what the catalog lets their role do.

Kubernetes mounts what `access` says; the file system looks at users, groups and modes (`run_as`,
`owner`, `mode`). What is found is told as a warning: a file server may have rules of its own. What
groups a pod has besides that of `run_as` is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.feasibility import possible_owners
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.servers import UserIds
from e2xhub.domain.exchange import plan_exchange
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import Role
from e2xhub.domain.settings import Settings, all_chains, merge
from e2xhub.domain.volumes import NewDirectory, VolumeMount, plan_volumes

_READ, _WRITE = 0o5, 0o7  # whoever may not enter a directory can use nothing in it
_OF_THOSE_WHO_GRADE = ("nbgrader/exchange", "nbgrader/course_directory")
_Chain = list[tuple[Place, Level]]


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """What the catalog lets one role do in one directory of a volume."""

    place: Place
    """The key that says so."""
    end: Place
    """The term or exam whose servers have it."""
    path: str
    """The directory, as the catalog writes it."""
    role: Role
    ids: UserIds
    mount: VolumeMount

    @property
    def directory(self) -> tuple[str, str]:
        """The volume, and the directory in it."""
        return self.mount.volume, self.mount.sub_path

    @property
    def writes(self) -> bool:
        """Whether the role may write there."""
        return not self.mount.read_only

    @property
    def is_personal(self) -> bool:
        """Whether each person has a directory of their own."""
        return "username" in fields_of(self.path)

    def is_served_by(self, new: NewDirectory) -> bool:
        """Whether the file system lets the role do as much in the directory `new`."""
        mode = int(new.mode, 8)
        if self.ids.user == new.owner.user:
            rights = mode >> 6
        else:
            rights = mode >> 3 if self.ids.group == new.owner.group else mode
        wanted = _WRITE if self.writes else _READ
        return rights & wanted == wanted


def find_useless_rights(catalog: Catalog) -> list[CatalogFault]:
    """A warning for each mount, exchange and course directory in which rights of roles fail."""
    claims = [claim for chain in all_chains(catalog) for claim in _claims_of(catalog, chain)]
    found = {**_homes_of_two_users(claims), **_directories_of_others(claims)}
    return [CatalogFault(place=place, message=message) for place, message in found.items()]


def _claims_of(catalog: Catalog, chain: _Chain) -> Iterator[_Claim]:
    """The claims of everybody in one term or exam."""
    settings, end = merge(catalog, [level for _, level in chain]), chain[-1][0]
    for owner in possible_owners(catalog, end):
        mounts = plan_volumes(catalog, settings.mounts, owner, settings.run_as)
        exchange = plan_exchange(catalog, settings.nbgrader, owner, settings.run_as)
        # Whoever grades mounts the parts of what is prepared.
        whole = exchange.prepared if owner.role is not Role.STUDENT else ()
        for mount in (*mounts, *whole, *exchange.mounts):
            if not catalog.volumes[mount.volume].outlives_a_server:
                continue
            for place, path in _declarations(chain, settings, mount.name):
                yield _Claim(
                    place=place,
                    end=end,
                    path=path,
                    role=owner.role,
                    ids=settings.run_as[owner.role],
                    mount=mount,
                )


def _declarations(chain: _Chain, settings: Settings, name: str) -> list[tuple[Place, str]]:
    """Where the catalog says what the mount `name` is, and its path; none where roles are equal."""
    if settings.nbgrader is not None and name in _OF_THOSE_WHO_GRADE:
        key = name.removeprefix("nbgrader/")
        path = getattr(settings.nbgrader, key)
        levels = [(*place, "nbgrader", key) for place, level in chain if level.nbgrader]
        return [(levels[-1], path)]
    places = [(*place, "mounts", name) for place, level in chain if name in level.mounts]
    return [(place, settings.mounts[name].path) for place in places[-1:]]


def _homes_of_two_users(claims: Iterable[_Claim]) -> dict[Place, str]:
    """Mounts by which somebody with two roles has one directory, as two users."""
    writing: dict[Place, list[_Claim]] = {}
    for claim in claims:
        if claim.is_personal and claim.writes and _may_be_shared_by_roles(claim):
            writing.setdefault(claim.place, []).append(claim)
    return {
        place: f"{together[0].path!r} is one directory for somebody who is {_name_roles(together)} "
        f"in different courses or terms, and these are different users: {_name_users(together)}; "
        "expected {role} in the path, or one 'run_as' for these roles"
        for place, together in writing.items()
        if any(
            claim.mount.if_new and not other.is_served_by(claim.mount.if_new)
            for claim in together
            for other in together
        )
    }


def _may_be_shared_by_roles(claim: _Claim) -> bool:
    """Whether somebody may come to the directory from elsewhere, as what they are there."""
    fields = fields_of(claim.path) | _fixed_fields(claim.place)
    return not ({"role", "exam"} & fields or {"course", "term"} <= fields)


def _fixed_fields(place: Place) -> frozenset[str]:
    """Of what the level at `place` has only one."""
    if place[0] == "courses":
        return frozenset({"course", "term"} if place[2] == "terms" else {"course"})
    return frozenset({"exam"} if place[0] == "exams" else ())


def _directories_of_others(claims: list[_Claim]) -> dict[Place, str]:
    """Keys whose directories, when they are new, belong to a user who keeps some role out."""
    refused: dict[Place, list[tuple[_Claim, NewDirectory]]] = {}
    made = _made_directories(claims)
    for claim in claims:
        # In a path with a username other roles are other people, or the two users above.
        news = [claim.mount.if_new] if claim.is_personal else made.get(claim.directory, [])
        refusing = [new for new in news if new is not None and not claim.is_served_by(new)]
        if refusing:
            refused.setdefault(claim.place, []).append((claim, refusing[0]))
    by_place: dict[Place, list[_Claim]] = {place: [] for place in refused}
    for claim in claims:
        by_place.get(claim.place, []).append(claim)
    return {place: _tell_refused(found, by_place[place]) for place, found in refused.items()}


def _made_directories(claims: Iterable[_Claim]) -> dict[tuple[str, str], list[NewDirectory]]:
    """What may become of each directory, by whoever comes first."""
    made: dict[tuple[str, str], list[NewDirectory]] = {}
    for claim in claims:
        known = made.setdefault(claim.directory, [])
        if claim.mount.if_new is not None and claim.mount.if_new not in known:
            known.append(claim.mount.if_new)
    return made


def _tell_refused(found: list[tuple[_Claim, NewDirectory]], claims: list[_Claim]) -> str:
    """The first refused directory of a key, and every role that fails in such a one.

    `claims` are all that the key makes.
    """
    first, new = found[0]
    failing = [claim for claim, _ in found]
    owners = [claim for claim in claims if claim.ids == new.owner]
    ends = dict.fromkeys(".".join(claim.end) for claim in failing)
    others = f" and {len(ends) - 1} more" if len(ends) > 1 else ""
    return (
        f"{first.path!r} in {next(iter(ends))}{others} belongs to "
        f"{_name_users(owners) or _show(new.owner)} with mode {new.mode} when it is new, so "
        f"{' and '.join(_tell_failures(failing))}; expected {_remedy(failing)}"
    )


def _tell_failures(failing: Iterable[_Claim]) -> Iterator[str]:
    for verb, writes in (("write to", True), ("read", False)):
        concerned = [claim for claim in failing if claim.writes is writes]
        if concerned:
            yield f"{_name_users(concerned)} cannot {verb} it"


def _remedy(failing: list[_Claim]) -> str:
    if failing[0].is_personal:
        return "no 'owner' here, so that it belongs to whoever it is named after"
    one_user = "one 'run_as' for these roles"
    if failing[0].place[-2] == "nbgrader":
        return one_user
    if any(claim.writes for claim in failing):
        return f"{one_user}, or one 'group' there and 'mode: \"2775\"', or {{role}} in the path"
    return f"{one_user}, or 'mode: \"0755\"'"


def _name_roles(claims: Iterable[_Claim]) -> str:
    return " or ".join(sorted({claim.role.value for claim in claims}, reverse=True))


def _name_users(claims: Iterable[_Claim]) -> str:
    """The roles of `claims` with their users, such as `grader, instructor (user 1, group 1)`."""
    by_ids: dict[tuple[int, int], set[str]] = {}
    for claim in claims:
        by_ids.setdefault((claim.ids.user, claim.ids.group), set()).add(claim.role.value)
    return ", ".join(
        f"{', '.join(sorted(roles))} (user {user}, group {group})"
        for (user, group), roles in sorted(by_ids.items())
    )


def _show(ids: UserIds) -> str:
    return f"user {ids.user}, group {ids.group}"
