"""Entries of the audit log as sentences that a proctor can read out."""

from __future__ import annotations

from typing import Any

from e2xhub.domain.audit import Action, AuditEntry
from e2xhub.web.console.refusal_words import refusal_words
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.translations import Translator


def describe_entry(entry: AuditEntry, translate: Translator) -> dict[str, Any]:
    """Number, moment, who, whom it is about, what happened, and the details in words."""
    event = entry.event
    return {
        "number": entry.number,
        "at": milliseconds(entry.at),
        "actor": event.actor,
        "username": event.username,
        "text": _sentences(translate)[event.action],
        "details": " · ".join(_details(entry, translate)),
    }


def _sentences(translate: Translator) -> dict[Action, str]:
    return {
        Action.ISSUED: translate("issued a code"),
        Action.REISSUED: translate("issued a new code"),
        Action.REVOKED: translate("revoked the code"),
        Action.SIGNED_IN: translate("signed in"),
        Action.REFUSED: translate("was not let in"),
        Action.UNLOCKED: translate("unlocked"),
        Action.SESSION_ENDED: translate("signed out"),
        Action.SESSION_CUT: translate("ended the old session everywhere"),
        Action.EXTRA_TIME: translate("changed the extra time"),
        Action.ANNOUNCED: translate("sent a message"),
        Action.SUBMITTED: translate("noted the submission"),
        Action.FINISHED: translate("finished the exam"),
        Action.SERVER_STOPPED: translate("stopped the server"),
        Action.STAFF_SIGNED_IN: translate("signed in as staff"),
        Action.STAFF_REFUSED: translate("was not let in as staff"),
        Action.SECOND_FACTOR: translate("changed a second factor"),
        Action.ROSTER_CHANGED: translate("changed the members of a course"),
        Action.ROSTER_NOT_CHANGED: translate("could not change the members of a course"),
    }


def _details(entry: AuditEntry, translate: Translator) -> list[str]:
    """In the log's own words where there are no better ones."""
    known = dict(entry.event.details)
    if entry.event.action is Action.REFUSED:
        reason = known.pop("reason", "")
        told = [refusal_words(translate).get(reason, str(reason))]
    else:
        told = [str(known.pop(name)) for name in ("reason", "text", "why") if known.get(name)]
    return told + [_detail(name, value, translate) for name, value in sorted(known.items())]


def _detail(name: str, value: Any, translate: Translator) -> str:
    templates = {
        "address": translate("at {value}"),
        "generation": translate("code no. {value}"),
        "minutes": translate("{value} minutes"),
        "granted": translate("{value} minutes in all"),
    }
    template = templates.get(name)
    return template.format(value=value) if template else f"{name}: {value}"
