"""The groups of a person, directly or through other groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.group_names import Group, NamelessGroupError, make_group
from e2xhub.authenticators.ldap.names import (
    Dn,
    NotADnError,
    escape_in_filter,
    is_below,
    parse_dn,
    value_in_rdn,
)
from e2xhub.authenticators.ldap.session import (
    AND_BELOW,
    DIRECTLY_BELOW,
    ENTRY_ALONE,
    Found,
    Session,
)
from e2xhub.authenticators.ldap.settings import DirectorySettings, NestedGroups
from e2xhub.authenticators.ldap.sockets import Deadline

MOST_GROUPS = 500
"""How many groups of a person count; JupyterHub stores each, in the one thread that it has."""
MOST_LEVELS = 10
_MOST_KNOWN = 1000  # while they are searched
_AT_ONCE = 25  # groups in one filter
_RANGE = "memberof;range="  # Active Directory gives no more than 1500 values at once


@dataclass(kw_only=True)
class GroupSearch:
    """Collects the groups of one person; `found` and `notes` are its results.

    Of more than MOST_GROUPS those count that the settings name, then those closest to
    `group_search_base`: whoever may create groups in some branch can put anybody into a thousand.
    """

    session: Session
    settings: DirectorySettings
    deadline: Deadline
    found: dict[Dn, Group] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What an admin may want to know, for the log."""
    references: set[str] = field(default_factory=set)
    """Other servers that may have groups; Active Directory names some in every search."""

    def find(self, person: Entry, uid: str) -> None:
        """Raises what `Session.search` raises."""
        if self.settings.reads_member_of:
            self._read_member_of(person)
        text = make_group_filter(self.settings, person, uid)
        if text:
            self._search_below(text)
            self._try_named_groups(text, is_below_base=False)
        if self.settings.nested_groups is NestedGroups.WALK:
            self._walk()
        self._keep_first_ones()

    def _search_below(self, text: str) -> list[Group]:
        """Those that were not known before."""
        if not self.settings.group_search_base:
            return []
        found = self._search_base(text, AND_BELOW)
        new = self._add_all(found)
        if found.is_cut:
            new += self._add_all(self._search_base(text, DIRECTLY_BELOW))
            new += self._try_named_groups(text, is_below_base=True)
        return new

    def _search_base(self, text: str, scope: str) -> Found:
        return self.session.search(
            self.settings.group_search_base,
            text,
            self.deadline,
            scope=scope,
            attributes=self._attributes(),
            most=MOST_GROUPS,
            setting="group_search_base",
        )

    def _try_named_groups(self, text: str, *, is_below_base: bool) -> list[Group]:
        """Asks for the groups that the settings name and no search has reached, one by one."""
        new: list[Group] = []
        for parsed, dn in self.settings.named_groups.items():
            if parsed not in self.found and self._is_below_base(parsed) is is_below_base:
                found = self.session.search(
                    dn, text, self.deadline, scope=ENTRY_ALONE, attributes=self._attributes()
                )
                new += self._add_all(found)
        return new

    def _read_member_of(self, person: Entry) -> None:
        for parsed, dn in sorted(
            self._parse_member_of(person), key=lambda pair: self._rank(pair[0])
        ):
            if self._counts(parsed) and self._has_room_for(parsed):
                self._add(self._complete(dn, parsed))
        if any(name.startswith(_RANGE) for name in person.attributes):
            self._note(f"{person.dn} is in more groups than the server tells at once")
            self._ask_for_named_groups(person)

    def _parse_member_of(self, person: Entry) -> Iterator[tuple[Dn, str]]:
        for name, values in person.attributes.items():
            if name != "memberof" and not name.startswith(_RANGE):
                continue
            for dn in values:
                try:
                    yield parse_dn(dn), dn
                except NotADnError as error:
                    self._note(f"{person.dn} has a memberOf that is no DN: {dn!r}: {error}")

    def _ask_for_named_groups(self, person: Entry) -> None:
        """Whether one of those is among the values that the server has not told."""
        for parsed, dn in self.settings.named_groups.items():
            if parsed not in self.found:
                text = f"(memberOf={escape_in_filter(dn)})"
                if self.session.search(person.dn, text, self.deadline, scope=ENTRY_ALONE).entries:
                    self._add(self._complete(dn, parsed))

    def _counts(self, parsed: Dn) -> bool:
        """Whether a group of `memberOf` is in the part of the directory that is meant."""
        if not self.settings.group_search_base or parsed in self.settings.named_groups:
            return True
        return self._is_below_base(parsed)

    def _complete(self, dn: str, parsed: Dn) -> Entry:
        """A group of which only the DN is known; its name is asked for if it is not in there."""
        attribute = self.settings.group_name_attribute
        in_dn = value_in_rdn(dn, attribute)
        if in_dn is not None or attribute.lower() == "dn":
            names = () if in_dn is None else (in_dn,)
            return Entry(dn=dn, parsed_dn=parsed, attributes={attribute.lower(): names})
        found = self.session.search(
            dn,
            "(objectClass=*)",
            self.deadline,
            scope=ENTRY_ALONE,
            attributes=self._attributes(),
        )
        return found.entries[0] if found.entries else Entry(dn=dn, parsed_dn=parsed, attributes={})

    def _walk(self) -> None:
        """Groups of groups, level by level; each group is looked at once, so that loops end."""
        level = list(self.found.values())
        for _ in range(MOST_LEVELS):
            level = [group for text in _filters_of(level) for group in self._search_below(text)]
            if not level:
                return
        self._note(
            f"groups are nested more than {MOST_LEVELS} levels deep; those further up are left out"
        )

    def _add_all(self, found: Found) -> list[Group]:
        """Those that were not known before."""
        if found.is_cut:
            self._note(
                "the server did not give all groups: those in the settings and those directly "
                "below LDAPAuthenticator.group_search_base are asked for besides; set it closer, "
                "or raise the server's limit"
            )
        self.references.update(found.references)
        before = len(self.found)
        for entry in found.entries:
            if self._has_room_for(entry.parsed_dn):
                self._add(entry)
        return list(self.found.values())[before:]

    def _add(self, entry: Entry) -> None:
        try:
            self.found.setdefault(entry.parsed_dn, make_group(self.settings, entry))
        except NamelessGroupError as error:
            self._note(str(error))

    def _has_room_for(self, parsed: Dn) -> bool:
        if len(self.found) < _MOST_KNOWN or parsed in self.settings.named_groups:
            return True
        self._note_too_many()
        return False

    def _keep_first_ones(self) -> None:
        if len(self.found) > MOST_GROUPS:
            self._note_too_many()
            kept = sorted(self.found, key=self._rank)[:MOST_GROUPS]
            self.found = {parsed: self.found[parsed] for parsed in kept}

    def _rank(self, parsed: Dn) -> tuple[bool, int]:
        """What comes first counts; of equals what the directory has told first."""
        return parsed not in self.settings.named_groups, len(parsed)

    def _note_too_many(self) -> None:
        self._note(
            f"more than {MOST_GROUPS} groups; the others are left out, first those furthest below "
            "LDAPAuthenticator.group_search_base"
        )

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _is_below_base(self, parsed: Dn) -> bool:
        base = self.settings.group_search_base
        return bool(base) and is_below(parsed, parse_dn(base))

    def _attributes(self) -> tuple[str, ...]:
        attribute = self.settings.group_name_attribute
        return () if attribute.lower() == "dn" else (attribute,)


def make_group_filter(settings: DirectorySettings, person: Entry, uid: str) -> str:
    """What finds the groups that have this person; empty where only the person has them."""
    return settings.group_filter.format(
        userdn=escape_in_filter(person.dn), uid=escape_in_filter(uid)
    )


def _filters_of(groups: list[Group]) -> Iterator[str]:
    """Filters for the groups of which these are members, some at once."""
    for begin in range(0, len(groups), _AT_ONCE):
        parts = "".join(
            f"(member={escape_in_filter(group.dn)})(uniqueMember={escape_in_filter(group.dn)})"
            for group in groups[begin : begin + _AT_ONCE]
        )
        yield f"(|{parts})"
