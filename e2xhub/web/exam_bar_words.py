"""The words of the bar that examinees have beside their work, in the language of the browser."""

from __future__ import annotations

from e2xhub.web.translations import Translator


def make_words(translate: Translator) -> dict[str, str]:
    """Every text by the name that the scripts of `in_pod/exam_bar` know it by."""
    return {
        **_times(translate),
        **_sentences(translate),
        **_submission(translate),
    }


def _times(translate: Translator) -> dict[str, str]:
    return {
        "exam": translate("Exam"),
        "starts": translate("Starts at {time}"),
        "remaining": translate("{time} left, until {end}"),
        "ended": translate("The exam is over."),
        "over": translate("The exam is over."),
        "finished": translate("Your exam is finished."),
        "new_end": translate("Your exam ends at {time} now."),
        "ten_minutes": translate("10 minutes left. Your work is saved before the end."),
        "five_minutes": translate("5 minutes left. Submit in time, if you have to submit."),
    }


def _sentences(translate: Translator) -> dict[str, str]:
    return {
        "messages": translate("Messages ({count})"),
        "from": translate("From the proctors, {time}"),
        "read": translate("I have read it"),
        "close": translate("Close"),
        "saved": translate("Saved at {time}"),
        "not_saved": translate("Not everything could be saved. Save it yourself now."),
        **_signing_out(translate),
        "offline": translate(
            "The hub cannot be reached. Go on working; if this stays, ask your proctor."
        ),
    }


def _signing_out(translate: Translator) -> dict[str, str]:
    return {
        "signing_out": translate("You will be signed out in {seconds} s."),
        "signing_out_reissued": translate(
            "A new code was issued for you: you will be signed out in a few seconds. Your work is "
            "being saved."
        ),
        "signing_out_finished": translate(
            "Your exam is being ended by a proctor: you will be signed out in a few seconds. Your "
            "work is being saved."
        ),
        "signed_out": translate("You are signed out. Ask your proctor."),
        "signed_out_not_kept": translate(
            "You are signed out. What you type now is not kept. Ask your proctor."
        ),
        "over_not_kept": translate("The exam is over. What you type now is not kept."),
    }


def _submission(translate: Translator) -> dict[str, str]:
    return {
        "submit": translate("I have submitted"),
        "submit_question": translate(
            "This tells your proctors that you have submitted. It submits nothing by itself; "
            "you can go on working, and say it again."
        ),
        "submit_yes": translate("Yes, I have submitted"),
        "submit_no": translate("Not yet"),
        "submitted": translate("Submitted at {time}"),
        "submit_failed": translate("This could not be noted. Try again, or tell your proctor."),
    }
