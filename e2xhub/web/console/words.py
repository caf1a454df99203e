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
        "lockdown": translate(
            "The network of this exam is open wider than it should be, or could not be locked. "
            "Call the admins, and read them what is below."
        ),
        "lockdown-unknown": translate(
            "Nobody knows whether the network of this exam is locked: the cluster does not answer. "
            "Tell the admins; the hub's log says why."
        ),
        "wide-destination": translate(
            "Servers of this exam may reach {addresses} addresses under the name {destination}, "
            "where an exam has single machines. Tell the admins: it may be a typing error."
        ),
        "slow-starts": translate(
            "Servers that have been starting for more than 2 minutes: {count} ({names}). The "
            "cluster may be full. Tell the admins."
        ),
        "faults": translate(
            "The settings or lists of this hub were changed and have faults ({count}); what was "
            "there before still holds. Tell the admins."
        ),
        "stranger": translate(
            "{address}, {time}: somebody typed a username that is on no list (times: {count})."
        ),
        "no-room": translate("Without a room on the list: {count} ({names})."),
        "unknown-rooms": translate("The list has rooms that this exam is not held in: {names}."),
        "forward-auth": translate(
            "No reverse proxy asks this hub about requests to servers (forward-auth): pages of "
            "examinees' servers could act in your name. Open no links from examinees; see "
            "docs/how-to/forward-auth.md."
        ),
    }


def _page(translate: Translator) -> dict[str, str]:
    return {
        "live": translate("live"),
        "for_admins": translate("For the admins ({count})"),
        "reach": translate("Servers reach: {places}"),
        "reach_warned": translate("Servers should reach: {places} (see the warning)"),
        "reach_unchecked": translate("Servers will reach: {places} (not yet checked)"),
        "reach_over": translate("Servers were to reach: {places}"),
        "reach_many": translate("{name} ({addresses} addresses)"),
        "reach_hub_only": translate("the hub only"),
        "reach_hub": translate("the hub"),
        "reach_name_service": translate("name service"),
        "connecting": translate("connecting …"),
        "offline": translate("No connection to the hub. What you see may be old."),
        "signed_out": translate("You are signed out. Sign in again, then open this page anew."),
        "sign_in_again": translate("Sign in again"),
        "needs_help": translate("Need help ({count})"),
        "locked": translate("Locked after too many attempts."),
        "refused": translate("{time}, {address}"),
        "start_failed": translate(
            "The server did not start ({kind}). Let the person try again; if that does not help, "
            "tell the admins."
        ),
        "before_that": translate("Before that: {reason}"),
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
        "start": translate("Last start"),
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
        "refused_many": translate("{count} people"),
        "unknown": translate("Nobody knows whether it was done for: {names}."),
        "go_on": translate("Go on with the remaining {count}"),
        "failed": translate("The hub did not answer. Look at the list before you try again."),
        "for_whom": translate("For whom?"),
        "everybody": translate("Everybody ({count})"),
        "in_room": translate("Room {room} ({count})"),
        "those_shown": translate("Those shown in the list ({count})"),
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
            "The old code stops working at once, and the old browser within half a minute, after "
            "it has saved what is open. The server goes on: with the new code the person is back "
            "where they were. Look that nobody works on at the old seat."
        ),
        "reissue_button": translate("Issue a new code"),
        "issuing": translate("Codes are being issued …"),
        "lost": translate(
            "The hub did not answer for: {names}. They may have a code that nobody has seen."
        ),
        **_renewing(translate),
    }


def _renewing(translate: Translator) -> dict[str, str]:
    return {
        "renew_for": translate(
            "New codes for everybody who has a code and has not signed in ({count})"
        ),
        "renew_room": translate(
            "New codes for those in room {room} who have a code and have not signed in ({count})"
        ),
        "renew_shown": translate(
            "New codes for those shown who have a code and have not signed in ({count})"
        ),
        "renew_button": translate("Issue new codes ({count})"),
        "renew_lost": translate("Issue new codes for these {count}"),
        "lost_reason": translate("The answer with the code was lost."),
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
        "let_try": translate("Let try again now"),
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
            "The code stops working, and whoever is in with it is out within half a minute. The "
            "server and the work stay. To end what runs at once, stop the server, too. A new code "
            "lets the person in again."
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
            "The person's page saves what is open. After half a minute the person is out and the "
            "server is stopped. Files stay. Only a new code opens the exam again."
        ),
        "finish_title_many": translate("Finish the exam for many"),
        "finish_for": translate("Everybody whose time is over ({count})"),
        "finish_all": translate("Everybody, also those with time left ({count})"),
        "finish_room": translate("Room {room}, also those with time left ({count})"),
        "finish_shown": translate("Those shown, also those with time left ({count})"),
        "type_exam": translate("To confirm, type the name of this exam: {exam}"),
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
