"""Names in a list that nobody may have as usernames: addresses, or numbers of students.

The hub cannot know who can sign in. Who is in the course already shows what usernames are like.
"""

from __future__ import annotations

import re
from enum import Enum

from e2xhub.course_desk.access import Access
from e2xhub.domain.roster_changes import RosterChange


class NameDoubt(str, Enum):
    """Why the names that a list adds are hardly usernames; a sentence for the person."""

    ADDRESSES = (
        "Everybody who would be added has a name like an e-mail address, and nobody in this course "
        "has one. Is this what they type when they sign in?"
    )
    NUMBERS = (
        "Everybody who would be added has a number as name, and nobody in this course has one. Is "
        "this what they type when they sign in?"
    )


_LOOKS = {
    NameDoubt.ADDRESSES: re.compile(r".+@.+"),
    NameDoubt.NUMBERS: re.compile(r"\d{5,10}"),
}


def find_doubt(access: Access, change: RosterChange) -> NameDoubt | None:
    """What is doubtful about the names that `change` adds."""
    added = {item.username for item in change.added}
    known = {item.username for item in access.roster.members_of(*access.place)}
    present = {access.actor, *known} - added
    for doubt, looks in _LOOKS.items():
        if added and all(map(looks.fullmatch, added)) and not any(map(looks.fullmatch, present)):
            return doubt
    return None
