"""Every text that the script of a course's page shows, in the language of the browser."""

from __future__ import annotations

from typing import Any

from e2xhub.web.courses.role_names import role_names
from e2xhub.web.translations import Translator


def make_words(translate: Translator) -> dict[str, Any]:
    """By the names that the script knows them by."""
    return {
        "roles": {role.value: name for role, name in role_names(translate).items()},
        "columns": _columns(translate),
        **_requests(translate),
        **_members(translate),
        **_changes(translate),
        **_upload(translate),
        **_preview(translate),
        **_details(translate),
    }


def _columns(translate: Translator) -> dict[str, str]:
    return {
        "name": translate("Username"),
        "role": translate("Role"),
        "source": translate("Comes from"),
        "action": translate("What you can do"),
    }


def _requests(translate: Translator) -> dict[str, str]:
    return {
        "failed": translate("That did not work. Whether something was changed is not known."),
        "not_loaded": translate("This could not be loaded. Try again in a moment."),
        "signed_out": translate("You are signed out, or this page is too old."),
        "loading": translate("Loading …"),
        "cancel": translate("Cancel"),
        "close": translate("Close"),
    }


def _members(translate: Translator) -> dict[str, Any]:
    return {
        "sources": {
            "roster": translate("the list of members"),
            "catalog": translate("the catalog"),
            "group": translate("a group"),
        },
        "sort_by": translate("Sort by {column}"),
        "all_roles": translate("All roles"),
        "shown": translate("{found} of {count} members"),
        "shown_first": translate("The first {shown} of {found} found; {count} members in all"),
        "empty": translate("This course has no members yet."),
        "nobody": translate("Nobody fits."),
    }


def _changes(translate: Translator) -> dict[str, str]:
    return {
        "add": translate("Add"),
        "add_title": translate("Add a person"),
        "username": translate("Username"),
        "username_help": translate("As the person types it when signing in here."),
        "username_needed": translate("Write the username."),
        "remove": translate("Remove"),
        "remove_person": translate("Remove {name} ({role})"),
        "remove_title": translate("Remove {name} ({role})?"),
        "remove_text": translate(
            "The person does not see the course any more. Files are kept, and a server that runs "
            "goes on."
        ),
        "undo": translate("Undo"),
        "change_role": translate("Change role"),
        "change_role_of": translate("Change the role of {name} ({role})"),
        "new_role": translate("New role"),
        "several_title": translate("One role or both?"),
        "which_role": translate("{name} is to be"),
    }


def _upload(translate: Translator) -> dict[str, str]:
    return {
        "chosen": translate("Chosen:"),
        "role_of_list": translate("as the list says"),
        "reading": translate("The list is being read …"),
        "too_large": translate("This file is too large: a list has at most 2 MB."),
        "not_read": translate("This file cannot be read."),
        "file_changed": translate("The file has changed since you chose it. Choose it again."),
        "one_of_both": translate("Choose a file or paste lines, not both."),
        "nothing_chosen": translate("Choose a file, or paste lines."),
    }


def _preview(translate: Translator) -> dict[str, Any]:
    return {
        "preview_title": translate("What would change"),
        "groups": {
            "added": translate("Added: {count}"),
            "removed": translate("Removed: {count}"),
            "changed": translate("Other role: {count}"),
            "left_out": translate("Left as they are: {count}"),
            "faults": translate("Lines with faults: {count}"),
            "several": translate("In two roles: {count}"),
        },
        "several_warning": translate(
            "These people have another role in this course already. They would have both: whoever "
            "studies and grades would grade their own work."
        ),
        "replace_roles": translate("Give them the new role instead of the one they have"),
        "faults_title": translate("Lines with faults"),
        "line": translate("Line {line}:"),
        "and_more": translate("… and {count} more"),
        "apply": translate("Change the members now"),
        "apply_loss": translate("Remove them all the same"),
        "loss_title": translate("Remove so many?"),
        "not_applied": translate("Nothing was changed"),
        "save_members": translate("Save the members of now as CSV"),
    }


def _details(translate: Translator) -> dict[str, str]:
    return {
        "settings_title": translate("Settings"),
        "setting": translate("Setting"),
        "value": translate("Value"),
        "where_from": translate("Set for"),
        "no_settings": translate("The catalog says nothing of this course."),
        "no_problems": translate("No problems were found."),
        "was_added": translate("added"),
        "was_removed": translate("removed"),
        "no_history": translate("Nothing has been changed here yet."),
        "save_change": translate("Save as CSV"),
        "undo_title": translate("Undo this change?"),
    }
