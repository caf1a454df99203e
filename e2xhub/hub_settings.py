"""What an admin says about a hub, and what is wrong with it, in an admin's words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from e2xhub.authenticators.oauth.settings import OAuthSettings
from e2xhub.domain.proxies import DeclaredProxies
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster_changes import MOST_LOSS_PERCENT
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.errors import ConfigurationError, printable
from e2xhub.storage.catalog_faults import explain
from e2xhub.storage.pepper_file import PEPPER_VARIABLE

_FASTEST_RELOAD_SECONDS = 0.1
_DATABASE_VARIABLE = "E2XHUB_DATABASE_URL"
_VALUE = "custom.e2xhub"


def _needed(variable: str, key: str) -> str:
    return (
        f"an exam hub needs it; set it, or the hub's environment variable {variable} "
        f"(hub.extraEnv) from a Secret that has it: kubectl create secret generic "
        f"e2xhub --from-file={key}=FILE"
    )


def _missing_for_changes(settings: Mapping[str, Any]) -> list[str]:
    """The settings without which no change of members can be noted."""
    has_pepper = settings.get("pepper_file") or os.environ.get(PEPPER_VARIABLE, "").strip()
    missing = ["database_url"] if not settings.get("database_url") else []
    return missing if has_pepper else [*missing, "pepper_file"]


class HubSettings(BaseModel):
    """What an admin says about a hub; in zero-to-jupyterhub the value `custom.e2xhub`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hub: HubKind
    """What the hub is for: `assignment`, `exam` or `grading`."""
    catalog: Path
    """The catalog: a YAML file or a directory of them."""
    roster: Annotated[str, Field(min_length=1, repr=False)]
    """The roster: a CSV file, a directory of them, or the SQLAlchemy URL of a database."""
    courses: frozenset[str] = frozenset()
    """Ids of the courses that this hub serves; all where it is left out."""
    terms: frozenset[str] = frozenset()
    """Ids of the terms that this hub serves; all where it is left out."""
    reload_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 1
    """How often the hub looks whether catalog or roster changed, in seconds; 0: never. A change is
    live after two looks, without a restart; a faulty one keeps the last good state."""
    auto_start_seconds: Annotated[int, Field(ge=0, le=600)] = 5
    """Who has just one offer need not press Start: the spawn page starts it after so many seconds,
    unless a key or the page is pressed; 0: never. A server that is read-only because its term is
    over always waits, and so does one that has just failed to start."""
    named_servers: Annotated[int, Field(ge=0, le=100)] = 0
    """How many named servers a person may have besides the one without a name; 0: none. With them a
    person has servers of several courses at once, each course's once. An exam hub has none."""
    most_loss_percent: Annotated[float, Field(ge=0, le=100)] = MOST_LOSS_PERCENT
    """A roster that loses more than this share of its memberships at once, in percent, is taken
    only when it is still the same at the next look."""
    database_url: str = Field(default="", repr=False, validate_default=True)
    """SQLAlchemy URL of the exam records; where it is left out or empty, the hub's environment
    variable E2XHUB_DATABASE_URL has it. Needed by exam hubs, and by others for changes of members
    (roster_changes). Hubs without examinees read there who sat which exam: that of the exam hub."""
    pepper_file: str = Field(default="", validate_default=True)
    """File with the key of the password hashes, one line for each pepper, the newest first; where
    it is left out, the hub's environment variable E2XHUB_PEPPER has them. Needed by exam hubs, and
    by others for changes of members: it seals the audit log. Hubs that share a database have the
    same one."""
    roster_changes: Literal["on", "off"] | None = None
    """Whether instructors change the members of their courses on the pages of an assignment or a
    grading hub: `off`, or `on`, which needs database_url and pepper_file, because each change is
    noted in the audit log first. Where it is left out: `on` where both of them are set, except on a
    grading hub whose servers share its host (no JupyterHub.subdomain_host): nbgrader runs students'
    code there, in the servers of those who may change members."""
    public_url: str = ""
    """Where browsers find the hub, such as `https://exams.example.org/`; needed by exams that
    demand Safe Exam Browser, and printed on slips."""
    trusted_proxies: tuple[str, ...] = ()
    """The reverse proxies whose X-Forwarded-For is believed: networks (CIDR), or names of headless
    Services of their pods, such as `proxy-pods`, which are looked up every 5 seconds."""
    forward_auth_header: Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")] = "X-Original-URL"
    """The header in which the reverse proxy that asks the hub's forward-auth says what the
    browser wants: `X-Original-URL` of ingress-nginx, `X-Forwarded-Uri` of Traefik. No other one is
    believed."""

    staff_authenticator: str = ""
    """How proctors and instructors sign in on an exam hub: the short name (`pam`, `e2x-ldap`,
    `generic-oauth`) or the import path of an authenticator; nobody of them where it is left out."""
    second_factor: Literal["required", "off"] = "required"
    """Whether they need the codes of an app besides; `off` where their sign-in service asks for a
    second factor already."""
    oauth: OAuthSettings | None = None
    """The university's sign-in service, by which people sign in on an assignment or grading hub,
    and staff on an exam hub; where it is left out, people sign in as `hub.config` says."""

    @field_validator("roster_changes", mode="before")
    @classmethod
    def _on_and_off_are_booleans_in_yaml(cls, given: Any) -> Any:
        return {True: "on", False: "off"}[given] if isinstance(given, bool) else given

    @field_validator("roster_changes")
    @classmethod
    def _changes_are_noted(cls, given: str | None, others: ValidationInfo) -> str | None:
        if given and others.data.get("hub") is HubKind.EXAM:
            raise ValueError("an exam hub has no pages of courses; remove roster_changes")
        if given == "on" and (missing := _missing_for_changes(others.data)):
            raise ValueError(
                f"{' and '.join(missing)} missing, and each change is noted in that database, "
                "under a key; set them, or remove roster_changes"
            )
        return given

    @property
    def notes_changes(self) -> bool:
        """Whether changes of members can be noted: where there are a database and a pepper."""
        return not _missing_for_changes(vars(self))

    @field_validator("second_factor", mode="before")
    @classmethod
    def _off_is_a_boolean_in_yaml(cls, given: Any) -> Any:
        return "off" if given is False else given

    @field_validator("roster", mode="before")
    @classmethod
    def _path_is_a_text(cls, roster: Any) -> Any:
        return str(roster) if isinstance(roster, Path) else roster

    @field_validator("named_servers")
    @classmethod
    def _examinees_have_one_server(cls, number: int, others: ValidationInfo) -> int:
        if number and others.data.get("hub") is HubKind.EXAM:
            raise ValueError("an exam hub has no named servers; remove named_servers")
        return number

    @field_validator("database_url")
    @classmethod
    def _database_may_come_from_the_environment(cls, url: str, others: ValidationInfo) -> str:
        found = url.strip() or os.environ.get(_DATABASE_VARIABLE, "").strip()
        if not found and others.data.get("hub") is HubKind.EXAM:
            raise ValueError(_needed(_DATABASE_VARIABLE, "database-url"))
        return found

    @field_validator("pepper_file")
    @classmethod
    def _pepper_may_be_in_the_environment(cls, file: str, others: ValidationInfo) -> str:
        is_there = file or os.environ.get(PEPPER_VARIABLE, "").strip()
        if not is_there and others.data.get("hub") is HubKind.EXAM:
            raise ValueError(_needed(PEPPER_VARIABLE, "pepper"))
        return file

    @field_validator("public_url")
    @classmethod
    def _public_url_is_one(cls, url: str) -> str:
        return parse_public_url(url) if url else ""

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks_or_names(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        DeclaredProxies.parse(proxies)
        return proxies

    @field_validator("oauth")
    @classmethod
    def _service_is_the_only_one(
        cls, oauth: OAuthSettings | None, others: ValidationInfo
    ) -> OAuthSettings | None:
        staff = others.data.get("staff_authenticator") or ""
        if oauth and staff not in ("", oauth.authenticator):
            raise ValueError(
                f"staff_authenticator is {staff!r}, and oauth signs staff in with "
                f"{oauth.authenticator!r}; remove one of them"
            )
        if oauth and oauth.needs_database and not others.data.get("database_url"):
            raise ValueError(
                f"the claim {oauth.username_claim!r} may change, and there is no database to "
                f"remember whose name it was; set database_url or {_DATABASE_VARIABLE}, or "
                "oauth.subjects, or oauth.username_claim: sub"
            )
        return oauth

    @field_validator("reload_seconds")
    @classmethod
    def _is_never_or_not_all_the_time(cls, seconds: float) -> float:
        if 0 < seconds < _FASTEST_RELOAD_SECONDS:
            raise ValueError(f"expected 0 (never) or at least {_FASTEST_RELOAD_SECONDS}")
        return seconds


def parse_settings(declared: Any, named: Mapping[str, Any]) -> HubSettings:
    """The settings in the chart's value `declared` and in the keyword arguments `named`, which win.

    Raises ConfigurationError with a line for each fault; it shows no secret.
    """
    if declared is not None and not isinstance(declared, Mapping):
        raise ConfigurationError(
            f"{_VALUE} is no mapping; expected keys below it, such as hub: exam, catalog: …, "
            "roster: …"
        )
    given = {str(key): value for key, value in (declared or {}).items()} | dict(named)
    try:
        return HubSettings.model_validate(given)
    except ValidationError as error:
        details = error.errors()
    where = "" if declared is None and named else f"{_VALUE}."
    raise ConfigurationError("\n".join(_tell(detail, where, named) for detail in details))


class _Unshown(list[Any]):
    """Stands for a value that may have a password in it."""

    def __repr__(self) -> str:
        return "this"


def _tell(detail: Any, where: str, named: Mapping[str, Any]) -> str:
    place = [str(part) for part in detail["loc"] if part != "[key]"]
    name = place[0]
    field = HubSettings.model_fields.get(name)
    if field is not None and not field.repr:
        detail = {**detail, "input": _Unshown()}
    shown = ("" if name in named else where) + ".".join(place)
    return printable(f"{shown}: {explain(detail, HubSettings)}")
