"""What the course desk refuses, each with a sentence for the person at the page.

The sentences are English texts that `web.translations` knows; the reason is in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.errors import UserFacingError

if TYPE_CHECKING:
    from e2xhub.course_desk.other_roles import SeveralRoles
    from e2xhub.course_desk.previews import Preview

NO_SUCH_TERM = "There is no such course."
BUSY = "The hub is busy with other changes. Please try again in a moment."
NO_ANSWER = "The list of members cannot be reached at the moment. Nothing was changed."
NOT_CHANGED = (
    "The list of members cannot be changed at the moment. Nothing was changed; please tell the "
    "administrators of the hub."
)
FAULTY_ROSTER = (
    "The list of members has faults that its administrators have to correct first. Nothing was "
    "changed."
)
PREVIEW_CHANGED = "Somebody else has changed the list meanwhile. Please look at it again."
FAULTY_LIST = "The list has faults. Nothing was changed."
MANY_LOST = "The list would remove many members. Please confirm that this is meant."
TOO_LARGE = "The file is too large; expected at most 2 MB and 20,000 rows."
NO_USERNAME = "This is no username."
SEVERAL_ROLES = "This person is in this course already, in another role."
NO_SUCH_CHANGE = "This change cannot be undone: it was not made, or its record is gone."
CHANGED_SINCE = (
    "This change cannot be undone any more: some of its members have been changed since. The "
    "history says how."
)
MANY_LOST_BY_UNDO = "This would remove many members. Please confirm that this is meant."
NAME_TAKEN = "This username is too much like that of somebody else."

SENTENCES = (
    *(NO_SUCH_TERM, BUSY, NO_ANSWER, NOT_CHANGED, FAULTY_ROSTER, PREVIEW_CHANGED, FAULTY_LIST),
    *(MANY_LOST, TOO_LARGE, NO_USERNAME, NAME_TAKEN, SEVERAL_ROLES, NO_SUCH_CHANGE),
    *(CHANGED_SINCE, MANY_LOST_BY_UNDO),
)
"""All of them; `ReadOnlyReason` has those that say why somebody may not change anything."""


class CourseDeskError(UserFacingError):
    """The desk refuses; nothing was changed. The text is a sentence for the person."""


class NoSuchTermError(CourseDeskError):
    """There is no such term, or it is none of the person's business: the answer is the same."""

    def __init__(self) -> None:
        super().__init__(NO_SUCH_TERM)


class NotAllowedError(CourseDeskError):
    """The person may not make this change."""

    def __init__(self, reason: ReadOnlyReason) -> None:
        self.reason = reason
        super().__init__(reason.value)


class UnusableRequestError(CourseDeskError):
    """A username or a file that cannot be used, as its sentence says."""


class OtherRolesError(CourseDeskError):
    """Somebody would have several roles, and nobody has said that this is meant."""

    def __init__(self, several: tuple[SeveralRoles, ...]) -> None:
        self.several = several
        super().__init__(SEVERAL_ROLES)


class DeskUnavailableError(CourseDeskError):
    """Too many wait already, or roster or records do not answer: worth another try later."""


class _PreviewRefusedError(CourseDeskError):
    def __init__(self, sentence: str, preview: Preview) -> None:
        self.preview = preview
        super().__init__(sentence)


class PreviewChangedError(_PreviewRefusedError):
    """The difference is another one than the person saw; `preview` is the one of now."""

    def __init__(self, preview: Preview) -> None:
        super().__init__(PREVIEW_CHANGED, preview)


class FaultyListError(_PreviewRefusedError):
    """A list with faults changes nothing; `preview` has them."""

    def __init__(self, preview: Preview) -> None:
        super().__init__(FAULTY_LIST, preview)


class LossNotConfirmedError(_PreviewRefusedError):
    """Many would be removed, and the person was not asked; `preview` says how many."""

    def __init__(self, preview: Preview, sentence: str = MANY_LOST) -> None:
        super().__init__(sentence, preview)
