"""Every text that the console's script shows, in the language of the proctor's browser."""

from __future__ import annotations

from typing import Any

from e2xhub.domain.exam_board import ExamineeState, ServerState
from e2xhub.web.console.refusal_words import refusal_words
from e2xhub.web.translations import Translator


def make_words(translate: Translator) -> dict[str, Any]:
    """By the names that the script knows them by."""
    return {
        "states": _states(translate),
        "servers": _servers(translate),
        "refusals": refusal_words(translate),
        "warnings": _warnings(translate),
        **_page(translate),
        **_list(translate),
        **_person(translate),
        **_times(translate),
        **_dialogs(translate),
        **_issuing(translate),
        **_codes(translate),
        **_other_actions(translate),
        **_log(translate),
    }


def _states(translate: Translator) -> dict[str, str]:
    return {
        ExamineeState.NOT_ISSUED.value: translate("No code yet"),
        ExamineeState.ISSUED.value: translate("Code issued"),
        ExamineeState.REVOKED.value: translate("Code revoked"),
        ExamineeState.SIGNED_IN.value: translate("Signed in"),
        ExamineeState.READY.value: translate("Working"),
        ExamineeState.IDLE.value: translate("Idle"),
        ExamineeState.SIGNED_OUT.value: translate("Signed out"),
        ExamineeState.SUBMITTED.value: translate("Submitted"),
        ExamineeState.OVER.value: translate("Time over"),
        ExamineeState.FINISHED.value: translate("Finished"),
    }


def _servers(translate: Translator) -> dict[str, str]:
    return {
        ServerState.NONE.value: translate("no server"),
        ServerState.STARTING.value: translate("server starts"),
        ServerState.READY.value: translate("server runs"),
        ServerState.STOPPING.value: translate("server stops"),
    }


def _warnings(translate: Translator) -> dict[str, str]:
    return {
        "database": translate(
            "The database has not answered since {time}. Whoever is in goes on working; nobody can "
            "sign in, and no code can be issued. Tell the admins."
        ),
        "policy": translate(
            "The network lock of this exam is not in place: servers may reach more than they "
            "should. Tell the admins. ({fault})"
        ),
        "slow-starts": translate(
            "Servers that have been starting for more than 2 minutes: {count} ({names}). The "
            "cluster may be full. Tell the admins."
        ),
        "faults": translate(
            "The settings or lists of this hub were changed and have faults ({count}); what was "
            "there before still holds. Tell the admins."
        ),
        "no-room": translate("Without a room on the list: {count} ({names})."),
        "unknown-rooms": translate("The list has rooms that this exam is not held in: {names}."),
    }


def _page(translate: Translator) -> dict[str, str]:
    return {
        "live": translate("live"),
        "connecting": translate("connecting …"),
        "offline": translate("No connection to the hub. What you see may be old."),
        "signed_out": translate("You are signed out. Open this page anew."),
        "needs_help": translate("Need help ({count})"),
        "locked": translate("Locked after too many attempts."),
        "refused": translate("{time}, {address}"),
        "all": translate("All"),
        "help": translate("Need help"),
    }


def _list(translate: Translator) -> dict[str, str]:
    return {
        "shown": translate("{shown} of {count} shown"),
        "nobody": translate("Nobody fits. Change the search or the filters."),
        "empty": translate("Nobody is on the list of this exam."),
        "all_rooms": translate("All rooms"),
        "no_room": translate("(no room)"),
        "open": translate("Open"),
        "open_person": translate("Actions for {name}"),
        "sort_by": translate("Sort by {column}"),
        "name": translate("Name"),
        "username": translate("Username"),
        "room": translate("Room"),
        "seat": translate("Seat"),
        "state": translate("State"),
        "left": translate("Time left"),
        "now_over": translate("over"),
    }


def _person(translate: Translator) -> dict[str, str]:
    return {
        "code": translate("Code"),
        "code_no": translate("no. {number}, issued by {name} at {time}"),
        "address": translate("Computer"),
        "ends": translate("Ends at"),
        "with_extra": translate("{time}, {minutes} minutes extra"),
        "first_in": translate("First signed in"),
        "submitted_at": translate("Submitted"),
        "submitted_claim": translate("{time} (says the person)"),
        "finished_at": translate("Finished"),
        "last_refusal": translate("Last refusal"),
        "last_messages": translate("Last messages"),
        "to_all": translate("to all"),
    }


def _times(translate: Translator) -> dict[str, str]:
    return {
        "begins_in": translate("begins in {time}"),
        "remaining": translate("{time} left"),
        "over_since": translate("over since {time}"),
        "hours": translate("{hours} h {minutes} min"),
        "minutes": translate("{minutes} min"),
        "extra": translate("+{minutes} min"),
        "less": translate("{minutes} min"),
    }


def _dialogs(translate: Translator) -> dict[str, str]:
    return {
        "cancel": translate("Cancel"),
        "close": translate("Close"),
        "stop_here": translate("Stop here"),
        "progress": translate("{done} of {count} done"),
        "working": translate("One moment …"),
        "done": translate("Done for {count}."),
        "not_done": translate("Not done for {count}:"),
        "failed": translate("The hub did not answer. Look at the list before you try again."),
        "for_whom": translate("For whom?"),
        "everybody": translate("Everybody ({count})"),
        "in_room": translate("Room {room} ({count})"),
        "reason": translate("Reason"),
        "reason_help": translate("The reason is kept in the log."),
        "reason_needed": translate("Give a reason; it is kept in the log."),
        "nobody_left": translate("There is nobody for whom this could be done."),
    }


def _issuing(translate: Translator) -> dict[str, str]:
    return {
        "issue_one": translate("Issue a code"),
        "issue_title": translate("Issue codes"),
        "issue_text": translate(
            "Everybody chosen gets a code for a slip of paper. The codes are shown once."
        ),
        "issue_for": translate("Everybody without a code ({count})"),
        "issue_button": translate("Issue codes ({count})"),
        "reissue": translate("New code"),
        "reissue_title": translate("New code for {name}"),
        "reissue_text": translate(
            "The old code and the old browser stop working at once. The server goes on, and no "
            "work is lost: with the new code the person is back where they were."
        ),
        "reissue_button": translate("Issue a new code"),
        "issuing": translate("Codes are being issued …"),
        "lost": translate(
            "The hub did not answer for: {names}. They may have a code that nobody has seen: look "
            "at the list, and issue new ones for those who have."
        ),
    }


def _codes(translate: Translator) -> dict[str, str]:
    return {
        "codes_title": translate("{count} codes"),
        "one_code_title": translate("Code for {name}"),
        "codes_once": translate(
            "These codes are shown now and never again. Print or save them before you close this."
        ),
        "one_code_once": translate(
            "This code is shown now and never again. Write it down, or print it, before you close "
            "this."
        ),
        "print": translate("Print slips"),
        "pdf": translate("Save as PDF"),
        "csv": translate("Save as CSV"),
        "pdf_waits": translate("The PDF is being made …"),
        "saved": translate("Saved: {name}"),
        "no_font": translate("The hub has no font for: {names}. Print the page instead."),
        "close_codes": translate("Close for good"),
        "close_question": translate(
            "Are all codes printed, saved or written down? Nobody can show them again."
        ),
        "close_yes": translate("Yes, close them for good"),
        "close_no": translate("No, back to the codes"),
    }


def _other_actions(translate: Translator) -> dict[str, str]:
    return {
        **_taking_away(translate),
        "unlock": translate("Unlock"),
        "helped": translate("Helped: take off the list"),
        "extra_time": translate("Extra time"),
        "extra_title": translate("Extra time for {name}"),
        "extra_title_many": translate("Extra time"),
        "extra_minutes": translate("Minutes"),
        "extra_help": translate("With a minus sign, minutes that were granted are taken back."),
        "extra_button_one": translate("Give {minutes} minutes"),
        "extra_button": translate("Give {minutes} minutes ({count} people)"),
        "minutes_needed": translate("Give a number of minutes, such as 15."),
        "message": translate("Message"),
        "message_title": translate("Message to {name}"),
        "message_title_many": translate("Message"),
        "message_text": translate("It appears beside the person's work at once."),
        "message_label": translate("Text"),
        "message_button_one": translate("Send"),
        "message_button": translate("Send ({count} people)"),
        "message_needed": translate("Write a message first."),
    }


def _taking_away(translate: Translator) -> dict[str, str]:
    return {
        "revoke": translate("Revoke the code"),
        "revoke_title": translate("Revoke the code of {name}"),
        "revoke_text": translate(
            "The code stops working, and whoever is in with it is out at once. The server and the "
            "work stay. A new code lets the person in again."
        ),
        "stop_server": translate("Stop the server"),
        "stop_title": translate("Stop the server of {name}"),
        "stop_text": translate(
            "What runs is ended, and what is not saved is lost. Files stay. The person can start "
            "the server again."
        ),
        "finish": translate("Finish the exam"),
        "finish_title": translate("Finish the exam of {name}"),
        "finish_text": translate(
            "The person is out at once, the server is stopped, and what is not saved is lost. "
            "Files stay. Only a new code opens the exam again."
        ),
        "finish_title_many": translate("Finish the exam of those whose time is over"),
        "finish_for": translate("Everybody whose time is over ({count})"),
        "finish_button": translate("Finish ({count})"),
    }


def _log(translate: Translator) -> dict[str, str]:
    return {
        "audit_title": translate("Log"),
        "audit_anchor": translate("For the exam's protocol:"),
        "audit_help": translate(
            "Note this on paper: it proves later that nobody has changed or cut the log."
        ),
        "audit_empty": translate("Nothing has happened yet."),
    }
