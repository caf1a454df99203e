"""What the page of a course may ask for: the JSON of each action, with its limits."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field

from e2xhub.course_desk import uploads
from e2xhub.course_desk.desk import Rows
from e2xhub.course_desk.other_roles import OtherRoles
from e2xhub.domain.roles import Role
from e2xhub.web.console.bodies import Body
from e2xhub.web.courses.pasted import parse_pasted

UPLOAD_BYTES = uploads.MOST_BYTES
MOST_BYTES = UPLOAD_BYTES * 4 // 3 + 10_000
"""Of a request; a file is a third longer in it."""
CHANGE_ID = "[0-9a-f]{12}"
_MOST_PEOPLE = 50
_NAME_MAX = 1000


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("expected a file in base64") from None
    return text


_Name = Annotated[str, Field(min_length=1, max_length=_NAME_MAX)]
_RoleWord = Annotated[str, Field(max_length=_NAME_MAX)]


class PersonBody(Body):
    """Somebody in a role."""

    username: _Name
    role: _RoleWord


class ChangeBody(Body):
    """People to be added and removed."""

    add: Annotated[list[PersonBody], Field(max_length=_MOST_PEOPLE)] = []
    remove: Annotated[list[PersonBody], Field(max_length=_MOST_PEOPLE)] = []
    other_roles: Annotated[OtherRoles, Field(strict=False)] = OtherRoles.KEEP
    """What becomes of the roles that somebody who is added has already."""


class UndoPreviewBody(Body):
    """A change that might be taken back."""

    change: Annotated[str, Field(pattern=f"^{CHANGE_ID}$")]


class UndoBody(UndoPreviewBody):
    """A change to be taken back."""

    digest: Annotated[str, Field(max_length=_NAME_MAX)] = ""
    """Of its preview; empty: nobody has seen one."""
    confirm_loss: bool = False


class PreviewBody(Body):
    """A list of members."""

    content: Annotated[str, Field(max_length=MOST_BYTES), AfterValidator(_is_base64)]
    """The file, or what was pasted as UTF-8, in base64."""
    is_pasted: bool = False
    remove_missing: bool = False
    role: Annotated[Role | None, Field(strict=False)] = None
    """Everybody in the list has this one; None: what the list says."""
    replace_roles: bool = False
    """Whether who gets a role loses those that the list does not name."""

    @property
    def upload(self) -> bytes | Rows:
        """The list as the desk takes it; raises UnusableRequestError as `parse_pasted`."""
        found = base64.b64decode(self.content)
        return parse_pasted(found.decode(errors="replace")) if self.is_pasted else found


class ApplyBody(PreviewBody):
    """The same list, once its preview was seen."""

    digest: Annotated[str, Field(max_length=_NAME_MAX)]
    confirm_loss: bool = False
