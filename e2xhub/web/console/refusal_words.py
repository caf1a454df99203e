"""Why somebody was not let in, in words for proctors; the person never reads them."""

from __future__ import annotations

from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.web.translations import Translator


def refusal_words(translate: Translator) -> dict[str, str]:
    """A sentence for each `EntryRefusal`, by its value."""
    return {
        refusal.value: sentence
        for part in (_of_the_exam(translate), _of_the_code(translate), _of_the_hub(translate))
        for refusal, sentence in part.items()
    }


def _of_the_exam(translate: Translator) -> dict[EntryRefusal, str]:
    return {
        EntryRefusal.NO_EXAMINEE: translate("Is on no exam's list."),
        EntryRefusal.NO_EXAM_YET: translate("Too early: signing in is not possible yet."),
        EntryRefusal.NO_EXAM_ANY_MORE: translate("Too late: the time is over."),
        EntryRefusal.FINISHED: translate("The exam is finished for this person."),
        EntryRefusal.WRONG_ROOM: translate("The computer is in no room of this exam."),
        EntryRefusal.NO_SAFE_BROWSER: translate("Does not use Safe Exam Browser for this exam."),
    }


def _of_the_code(translate: Translator) -> dict[EntryRefusal, str]:
    return {
        EntryRefusal.NOT_ISSUED: translate("Has no code yet."),
        EntryRefusal.WRONG_CODE: translate("Typed a wrong code."),
        EntryRefusal.USED_CODE: translate("Typed a code that was used before: issue a new one."),
        EntryRefusal.REPLACED_CODE: translate("Typed an old code: a newer one was issued."),
        EntryRefusal.FOREIGN_CODE: translate("Typed the code of another exam."),
        EntryRefusal.REVOKED_CODE: translate("Typed a code that was revoked."),
        EntryRefusal.WRONG_ROOM_CODE: translate("Typed a wrong or used room code."),
        EntryRefusal.WAITS: translate("Tried too often and has to wait a little."),
        EntryRefusal.LOCKED: translate(
            "Tried far too often, and waits until you let the person try again."
        ),
    }


def _of_the_hub(translate: Translator) -> dict[EntryRefusal, str]:
    return {
        EntryRefusal.NO_ADDRESS: translate("Has no address that can be believed: tell the admins."),
        EntryRefusal.NOT_ADMITTED: translate("This hub admits nobody now: tell the admins."),
        EntryRefusal.BLOCKED: translate("Is blocked on this hub: tell the admins."),
        EntryRefusal.RENAMED: translate("Is refused by the hub's settings: tell the admins."),
        EntryRefusal.OTHER_DOOR: translate("Did not come from the sign-in page."),
    }
