"""What would become of a person who signs in: the directory's answers, and what the hub makes of
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from e2xhub.cli.ldap_settings import FoundSettings
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.group_rules import GroupTable
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roster import CourseMembership

if TYPE_CHECKING:  # brings JupyterHub, and takes a while
    from e2xhub.authenticators.ldap.admission import Verdict
    from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator
    from e2xhub.authenticators.ldap.directory import DirectoryPerson
    from e2xhub.authenticators.ldap.masked import Masked
    from e2xhub.authenticators.steps import Step


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One person's sign-in, taken apart."""

    typed: str
    steps: tuple[Step, ...]
    person: DirectoryPerson | None = None
    username: str = ""
    """The hub's; empty where it is not known."""
    groups: tuple[str, ...] = ()
    """The groups that the hub would have of the person."""
    verdict: Verdict | None = None
    is_admin: bool | None = None
    """None: groups do not say."""
    refusal: str = ""
    """Why nobody could be found out more; empty where somebody could."""
    had_password: bool = False
    notes: tuple[str, ...] = ()
    """What of the settings an admin may not have meant."""

    @property
    def is_kept_out(self) -> bool:
        """Whether an answer would keep the person out: of a server that can be asked, or of all."""
        from e2xhub.authenticators.steps import StepVerdict

        first: dict[str, bool] = {}
        for step in self.steps:
            is_refused = step.verdict is StepVerdict.REFUSED
            if not first.setdefault(step.server, is_refused) and is_refused:
                return True  # by a server whose first step, the connection, was fine
        return all(first.values())

    @property
    def is_admitted(self) -> bool:
        """Whether nothing that was tried would keep the person out."""
        if self.is_kept_out or self.refusal:
            return False
        return self.verdict is None or self.verdict.is_admitted


def try_sign_in(found: FoundSettings, typed: str, password: Masked | None) -> Trial:
    """Asks the directory step by step, then once more for what the hub would get to know."""
    from e2xhub.authenticators.ldap.hub_names import parse_hub_name
    from e2xhub.authenticators.ldap.refusals import DirectoryRefusal

    authenticator = found.authenticator
    trial = Trial(
        typed=typed,
        steps=tuple(authenticator.directory.explain(typed, password)),
        had_password=password is not None,
        notes=found.notes,
    )
    if trial.is_kept_out:
        return trial  # and a wrong password is not counted a second time
    try:
        person = _find_person(authenticator, typed, password)
        if person is None:
            return trial if authenticator.may_admit_anybody else _refuse_all(trial)
        username = parse_hub_name(authenticator, person.username)
    except DirectoryRefusal as refused:
        return replace(trial, refusal=refused.log_line)
    model = authenticator.make_model(person)
    return replace(
        trial,
        person=person,
        username=username,
        groups=tuple(model["groups"]),
        verdict=authenticator.judge(username, model),
        is_admin=model["admin"],
    )


def _refuse_all(trial: Trial) -> Trial:
    return replace(
        trial,
        refusal="nobody is admitted: allow_all, allowed_users and allowed_groups are all empty",
    )


def _find_person(
    authenticator: LDAPAuthenticator, typed: str, password: Masked | None
) -> DirectoryPerson | None:
    if password is not None:
        return authenticator.directory.sign_in(typed, password.reveal())
    if authenticator.settings.can_look_up:
        return authenticator.directory.look_up(authenticator.directory.name_of(typed))
    return None


def memberships_of(trial: Trial, catalog: Catalog) -> Sequence[CourseMembership]:
    """What the groups of the person give, by the rules of `catalog`."""
    if not trial.username:
        return ()
    table = GroupTable.make(catalog.groups, catalog)
    return table.memberships_of(Username.parse(trial.username), trial.groups)


def as_json(trial: Trial, memberships: Sequence[CourseMembership] | None) -> dict[str, Any]:
    """For scripts; what was not found out is null."""
    person = trial.person
    return {
        "user": trial.typed,
        "notes": list(trial.notes),
        "steps": [
            {
                "title": step.title,
                "server": step.server,
                "asked": step.asked,
                "answered": step.answered,
                "verdict": step.verdict.value,
            }
            for step in trial.steps
        ],
        "password_tried": trial.had_password,
        "username": trial.username or None,
        "dn": person.dn if person else None,
        "groups": list(trial.groups) if person else None,
        "admitted": trial.is_admitted,
        "reason": trial.verdict.value if trial.verdict else trial.refusal or None,
        "admin": trial.is_admin,
        "memberships": None
        if memberships is None
        else [
            {"course": item.course, "term": item.term, "role": item.role.value}
            for item in memberships
        ],
    }
