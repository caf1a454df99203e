"""A preview as the page's script shows it: counts and people, with its sentences in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from e2xhub.course_desk.other_roles import SeveralRoles
from e2xhub.course_desk.previews import LeftOut, PersonInRole, Preview, RoleChange
from e2xhub.web.courses.role_names import join_roles
from e2xhub.web.courses.sentences import say
from e2xhub.web.translations import Translator

MOST_ROWS = 2000
"""Of people who are added, removed or changed, so many are told one by one."""


def preview_as_json(preview: Preview, translate: Translator) -> dict[str, Any]:
    """What the script needs; roles are their ids, all else is ready to be shown."""
    can_apply = not preview.fault_count and preview.changes_anything
    return {
        "digest": preview.digest,
        "added": _group(preview.added, _person),
        "removed": _group(preview.removed, _person),
        "changed": _group(preview.changed, _role_change),
        "left_out": {
            "count": preview.left_out_count,
            "rows": [_left_out(item, translate) for item in preview.left_out],
        },
        "faults": {
            "count": preview.fault_count,
            "rows": [
                {"line": it.line, "text": say(it.sentence or it.message, translate)}
                for it in preview.faults
            ],
        },
        "several": _group(preview.several, _several),
        "can_replace": any(item.is_replaceable for item in preview.several),
        "doubt": translate(preview.doubt.value) if preview.doubt else "",
        "notes": list(_notes(preview, translate)),
        "summary": _summary(preview, translate),
        "can_apply": can_apply,
        "why_not": "" if can_apply else _why_not(preview, translate),
        "loses_many": preview.loses_many,
        "loss_text": _loss(preview, translate),
    }


def undo_as_json(preview: Preview, translate: Translator) -> dict[str, Any]:
    """What taking a change back would do; the names are in the file of that change."""
    lost = translate(
        "{count} of the {size} members whom you can change would be removed. Is this the right "
        "change?"
    )
    return {
        "digest": preview.digest,
        "text": _undo_text(preview, translate),
        "can_apply": preview.changes_anything,
        "loses_many": preview.loses_many,
        "loss_text": lost.format(count=len(preview.removed), size=preview.size),
    }


def _undo_text(preview: Preview, translate: Translator) -> str:
    if not preview.changes_anything:
        return translate("Nothing has to be changed: it is like this already.")
    return translate(
        "Will be removed: {removed}, added again: {added}, get their earlier role again: "
        "{changed}. Other changes stay. The names are in the CSV file."
    ).format(removed=len(preview.removed), added=len(preview.added), changed=len(preview.changed))


def _group(items: Sequence[Any], shown: Any) -> dict[str, Any]:
    return {"count": len(items), "rows": [shown(item) for item in items[:MOST_ROWS]]}


def _person(item: PersonInRole) -> dict[str, Any]:
    return {"username": item.username, "role": item.role.value}


def _role_change(item: RoleChange) -> dict[str, Any]:
    return {
        "username": item.username,
        "role": item.after.value,
        "before": item.before.value,
    }


def _several(item: SeveralRoles) -> dict[str, Any]:
    return {
        "username": item.username,
        "role": item.added.value,
        "others": [role.value for role in item.before],
    }


def _left_out(item: LeftOut, translate: Translator) -> dict[str, Any]:
    return {
        "username": item.username,
        "role": item.role.value,
        "why": translate(item.reason.value),
    }


def _summary(preview: Preview, translate: Translator) -> str:
    """One sentence that a screen reader says as well."""
    if preview.fault_count:
        return translate("The list has faults: {count}. Correct them, and upload it again.").format(
            count=preview.fault_count
        )
    if not preview.changes_anything:
        return translate("Nothing would change. As the list says already: {unchanged}.").format(
            unchanged=preview.unchanged
        )
    return translate(
        "Would be added: {added}, removed: {removed}, get another role: {changed}. As the list "
        "says already: {unchanged}."
    ).format(
        added=len(preview.added),
        removed=len(preview.removed),
        changed=len(preview.changed),
        unchanged=preview.unchanged,
    )


def _why_not(preview: Preview, translate: Translator) -> str:
    return translate("A list with faults changes nothing.") if preview.fault_count else ""


def _notes(preview: Preview, translate: Translator) -> Iterable[str]:
    """What else the list has, or lacks."""
    if preview.missing and not preview.fault_count:
        template = translate("Members who are not in the list, and stay: {count} ({roles}).")
        roles = join_roles(preview.missing_roles, translate)
        yield template.format(count=preview.missing, roles=roles)
    for reason, count in sorted(preview.skipped.items()):
        template = translate("Rows that are left out, because they say {reason}: {count}.")
        yield template.format(count=count, reason=reason)


def _loss(preview: Preview, translate: Translator) -> str:
    count = len(preview.removed)
    return translate(
        "{count} of the {size} members whom you can change would be removed. Is this the right "
        "list?"
    ).format(count=count, size=preview.size)
