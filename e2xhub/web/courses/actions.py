"""What instructors do: single people, and lists that they have seen the difference of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2xhub.course_desk.desk import Applied
from e2xhub.course_desk.other_roles import SeveralRoles
from e2xhub.course_desk.previews import split_change
from e2xhub.course_desk.refusals import (
    CourseDeskError,
    FaultyListError,
    LossNotConfirmedError,
    OtherRolesError,
    PreviewChangedError,
)
from e2xhub.web.courses.bodies import (
    ApplyBody,
    ChangeBody,
    PersonBody,
    PreviewBody,
    UndoBody,
    UndoPreviewBody,
)
from e2xhub.web.courses.handler import TermRequest
from e2xhub.web.courses.preview_json import preview_as_json, undo_as_json
from e2xhub.web.courses.role_names import join_roles, role_names
from e2xhub.web.translations import Translator

_MOST_TOLD = 5
"""So many people are told by their names."""
_SEEN_AGAIN = (PreviewChangedError, FaultyListError, LossNotConfirmedError)


class ChangeHandler(TermRequest):
    """Adds and removes single people."""

    async def post(self, course: str, term: str) -> None:
        """Answers with a sentence, and what would take the change back; or with a question."""
        del course, term
        body = self.parse_body(ChangeBody)
        add, remove = _pairs(body.add), _pairs(body.remove)
        try:
            applied = await self.desk.change(
                *self.asked, add=add, remove=remove, other_roles=body.other_roles
            )
        except OtherRolesError as error:
            self.finish({"question": ask_about(error.several[0], self.translate)})
        except CourseDeskError as error:
            raise self.refusal_of(error) from error
        else:
            self.finish(tell_made(applied, self.translate))


class UndoHandler(TermRequest):
    """Takes a change back that the log has."""

    async def post(self, course: str, term: str) -> None:
        """Answers as for any change; or with what it would do, where that has to be confirmed."""
        del course, term
        body = self.parse_body(UndoBody)
        try:
            applied = await self.desk.undo(
                *(*self.asked, body.change),
                expected_digest=body.digest,
                confirm_loss=body.confirm_loss,
            )
        except _SEEN_AGAIN as error:
            shown = undo_as_json(error.preview, self.translate)
            self.finish({"preview": shown, "message": self.translate(str(error))})
        except CourseDeskError as error:
            raise self.refusal_of(error) from error
        else:
            self.finish(tell_made(applied, self.translate))


class UndoPreviewHandler(TermRequest):
    """What taking a change back would change."""

    async def post(self, course: str, term: str) -> None:
        """Answers with how many it is about."""
        del course, term
        body = self.parse_body(UndoPreviewBody)
        preview = await self.ask(self.desk.preview_undo(*self.asked, body.change))
        self.finish(undo_as_json(preview, self.translate))


class PreviewHandler(TermRequest):
    """What a list would change."""

    async def post(self, course: str, term: str) -> None:
        """Answers with the difference."""
        del course, term
        body = self.parse_body(PreviewBody)
        try:
            preview = await self.desk.preview(
                *(*self.asked, body.upload),
                remove_missing=body.remove_missing,
                role=body.role,
                replace_roles=body.replace_roles,
            )
        except CourseDeskError as error:
            raise self.refusal_of(error) from error
        self.finish(preview_as_json(preview, self.translate))


class ApplyHandler(TermRequest):
    """Makes the change that somebody has seen."""

    async def post(self, course: str, term: str) -> None:
        """Answers with a sentence; or with the difference of now, where it is another one."""
        del course, term
        body = self.parse_body(ApplyBody)
        try:
            applied = await self.desk.apply(
                *self.asked,
                body.upload,
                expected_digest=body.digest,
                remove_missing=body.remove_missing,
                role=body.role,
                replace_roles=body.replace_roles,
                confirm_loss=body.confirm_loss,
            )
        except _SEEN_AGAIN as error:
            shown = preview_as_json(error.preview, self.translate)
            self.finish({"preview": shown, "message": self.translate(str(error))})
        except CourseDeskError as error:
            raise self.refusal_of(error) from error
        else:
            self.finish(tell_made(applied, self.translate, by_list=True))


ACTIONS = {
    "change": ChangeHandler,
    "preview": PreviewHandler,
    "apply": ApplyHandler,
    "undo": UndoHandler,
    "undo-preview": UndoPreviewHandler,
}
"""By the last part of their paths."""


def tell_made(applied: Applied, translate: Translator, *, by_list: bool = False) -> dict[str, Any]:
    """What was done, by which id it is undone (None: nothing was done), and who came in."""
    is_many = by_list or applied.added + applied.removed > _MOST_TOLD
    say = say_counts if is_many else say_change
    added, _, changed = split_change(applied.change)
    came = [(it.username, it.role) for it in added] + [(it.username, it.after) for it in changed]
    return {
        "message": say(applied, translate),
        "undo": applied.change_id or None,
        "added": [{"username": name, "role": role.value} for name, role in came[:_MOST_TOLD]],
    }


def say_change(applied: Applied, translate: Translator) -> str:
    """What was done to whom."""
    if not applied.change:
        return translate("Nothing had to be changed: it is like this already.")
    names = role_names(translate)
    came = translate("{name} is a member now ({role}).")
    left = translate("{name} is no member any more ({role}).")
    other = translate("{name} has another role now: {after}, no longer {before}.")
    added, removed, changed = split_change(applied.change)
    told = [
        *(came.format(name=it.username, role=names[it.role]) for it in added),
        *(left.format(name=it.username, role=names[it.role]) for it in removed),
        *(
            other.format(name=it.username, before=names[it.before], after=names[it.after])
            for it in changed
        ),
    ]
    return " ".join([*told, *_say_when(applied, translate)])


def say_counts(applied: Applied, translate: Translator) -> str:
    """How many were changed."""
    added, removed, changed = map(len, split_change(applied.change))
    template = translate("Done: {added} added, {removed} removed, {changed} with another role.")
    told = template.format(added=added, removed=removed, changed=changed)
    return " ".join([told, *_say_when(applied, translate)])


def ask_about(several: SeveralRoles, translate: Translator) -> dict[str, str]:
    """What somebody is asked who gives a role to a person who has another one."""
    before = join_roles(several.before, translate)
    after = role_names(translate)[several.added]
    told = translate("{name} is in this course already, as: {before}.")
    instead = translate("{after} instead of {before}").format(after=after, before=before)
    return {
        "name": several.username,
        "text": told.format(name=several.username, before=before),
        "replace": instead if several.is_replaceable else "",
        "keep": translate("both: {before} and {after}").format(after=after, before=before),
    }


def _say_when(applied: Applied, translate: Translator) -> Sequence[str]:
    return () if applied.is_live else (translate("This hub takes it in a moment."),)


def _pairs(people: Sequence[PersonBody]) -> list[tuple[str, str]]:
    return [(person.username, person.role) for person in people]
