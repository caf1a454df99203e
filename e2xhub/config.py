"""`configure(c, …)`: from a few settings to a hub's configuration. The only writer of `c`.

The same call serves a zero-to-jupyterhub hub (`jupyterhub_config.d/`, `hub.extraConfig`), a plain
`jupyterhub_config.py` and the demo.
"""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from traitlets import TraitError
from traitlets.config.loader import LazyConfigValue

import e2xhub.web
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster_changes import MOST_LOSS_PERCENT
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.errors import ConfigurationError
from e2xhub.kubernetes.exam_policies import find_policy_fault
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.exam_records import open_exam_records
from e2xhub.storage.live_exam_records import ExamRegistry, LiveExamRecords
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.pepper_file import PEPPER_VARIABLE, load_peppers
from e2xhub.storage.roster.opening import open_roster
from e2xhub.web.console import make_console_handlers
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.examinee_pages import make_examinee_handlers
from e2xhub.web.forward_auth import make_forward_auth_handlers
from e2xhub.web.hub_pages import make_page_variables
from e2xhub.web.log_masks import mask_secrets_in_log
from e2xhub.web.proctor_groups import CUSTOM_SCOPES
from e2xhub.web.proctor_pages import first_page_of
from e2xhub.web.session_guard import SessionGuard
from e2xhub.web.standalone_pages import FILES_ROUTE

# JupyterHub's role of everybody, without tokens: one would open a server long after the exam.
_EXAMINEE_ROLE = {
    "name": "user",
    "description": "Examinees: their own server, and nothing that outlives the sign-in",
    "scopes": [
        "users:activity!user",
        "read:users:name!user",
        "read:users:groups!user",
        "servers!user",
        "access:servers!user",
    ],
}
_FASTEST_RELOAD_SECONDS = 0.1
_TEMPLATES = Path(e2xhub.web.__file__).parent / "templates"


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
    database_url: str = Field(default="", repr=False)
    """SQLAlchemy URL of the exam records; needed by exam hubs."""
    pepper_file: str = ""
    """File with the key of the password hashes, one line for each pepper, the newest first; where
    it is left out, the hub's environment variable E2XHUB_PEPPER has them. Needed by exam hubs."""
    public_url: str = ""
    """Where browsers find the hub, such as `https://exams.example.org/`; needed by exams that
    demand Safe Exam Browser, and printed on slips."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed."""
    forward_auth_header: Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")] = "X-Original-URL"
    """The header in which the reverse proxy that asks an exam hub's forward-auth says what the
    browser wants: `X-Original-URL` of ingress-nginx, `X-Forwarded-Uri` of Traefik. No other one is
    believed."""

    staff_authenticator: str = ""
    """How proctors and instructors sign in on an exam hub: the short name (`pam`, `ldap`,
    `generic-oauth`) or the import path of an authenticator; nobody of them where it is left out."""
    second_factor: Literal["required", "off"] = "required"
    """Whether they need the codes of an app besides; `off` where their sign-in service asks for a
    second factor already."""

    @field_validator("second_factor", mode="before")
    @classmethod
    def _off_is_a_boolean_in_yaml(cls, given: Any) -> Any:
        return "off" if given is False else given

    @field_validator("roster", mode="before")
    @classmethod
    def _path_is_a_text(cls, roster: Any) -> Any:
        return str(roster) if isinstance(roster, Path) else roster

    @field_validator("public_url")
    @classmethod
    def _public_url_is_one(cls, url: str) -> str:
        return parse_public_url(url) if url else ""

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for network in proxies:
            ip_network(network)
        return proxies

    @field_validator("reload_seconds")
    @classmethod
    def _is_never_or_not_all_the_time(cls, seconds: float) -> float:
        if 0 < seconds < _FASTEST_RELOAD_SECONDS:
            raise ValueError(f"expected 0 (never) or at least {_FASTEST_RELOAD_SECONDS}")
        return seconds

    @model_validator(mode="after")
    def _exam_hubs_have_what_they_need(self) -> HubSettings:
        has_pepper = self.pepper_file or os.environ.get(PEPPER_VARIABLE)
        if self.hub is HubKind.EXAM and not (self.database_url and has_pepper):
            raise ValueError("an exam hub needs database_url and pepper_file")
        return self

    @model_validator(mode="after")
    def _examinees_have_one_server(self) -> HubSettings:
        if self.hub is HubKind.EXAM and self.named_servers:
            raise ValueError("an exam hub has no named servers; remove named_servers")
        return self


class HubDoesNotStartError(ConfigurationError, TraitError):
    """What `configure` raises: JupyterHub ends on a TraitError with its text and no traceback."""


def configure(c: Any, **settings: Any) -> None:
    """Configures the hub whose traitlets configuration is `c`; see `HubSettings` for `settings`.

    Raises HubDoesNotStartError, with every fault, where settings, catalog or roster are faulty.
    """
    try:
        chosen = _parse_settings(settings)
        registry = LiveRegistry(
            catalog=chosen.catalog,
            roster=open_roster(chosen.roster),
            hub=chosen.hub,
            most_loss=chosen.most_loss_percent / 100,
            served=ServedPart(courses=chosen.courses, terms=chosen.terms),
            checks=[check_pods],
        )
        _set_spawner(c, registry)
        _set_named_servers(c, chosen)
        _set_pages(c, registry, chosen)
        mask_secrets_in_log()
        if chosen.hub is HubKind.EXAM:
            _set_up_exams(c, registry, chosen)
            _set_staff_sign_in(c, chosen)
        if chosen.reload_seconds:
            registry.watch(every_seconds=chosen.reload_seconds)
    except ConfigurationError as error:
        raise HubDoesNotStartError(f"e2xhub:\n{error}") from error


def _parse_settings(settings: dict[str, Any]) -> HubSettings:
    try:
        return HubSettings.model_validate(settings)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'settings'}: "
            + detail["msg"].removeprefix("Value error, ")
            for detail in error.errors()
        )
        raise ConfigurationError(f"e2xhub.configure: {faults}") from None


def _set_spawner(c: Any, registry: LiveRegistry) -> None:
    if c.KubeSpawner.get("profile_list"):
        raise ConfigurationError(
            "KubeSpawner.profile_list (singleuser.profileList) and e2xhub both decide what is "
            "offered; remove profile_list and declare courses in the catalog"
        )
    c.JupyterHub.spawner_class = "e2x"
    c.E2xSpawner.registry = registry
    # A refused request is no sign of a broken hub, but JupyterHub 5 counts it as one.
    c.E2xSpawner.consecutive_failure_limit = 0


def _set_named_servers(c: Any, settings: HubSettings) -> None:
    """Has JupyterHub count them; the chart's `allow_named_servers = False` is a default of its."""
    c.E2xSpawner.named_servers = settings.named_servers
    if not settings.named_servers:
        _check_no_named_servers(c, settings)
        return
    limit = c.JupyterHub.get("named_server_limit_per_user", settings.named_servers)
    if limit != settings.named_servers:
        raise ConfigurationError(
            f"JupyterHub.named_server_limit_per_user (hub.namedServerLimitPerUser) is {limit!r} "
            f"and e2xhub's named_servers is {settings.named_servers}; remove the former"
        )
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.named_server_limit_per_user = settings.named_servers


def _check_no_named_servers(c: Any, settings: HubSettings) -> None:
    if c.JupyterHub.get("allow_named_servers") and settings.hub is not HubKind.EXAM:
        raise ConfigurationError(
            "JupyterHub.allow_named_servers (hub.allowNamedServers) is on and e2xhub's "
            "named_servers is 0, none; set named_servers to how many a person may have"
        )


def _set_pages(c: Any, registry: LiveRegistry, settings: HubSettings) -> None:
    _append(c.JupyterHub, "template_paths", str(_TEMPLATES / "hub"))
    variables = make_page_variables(lambda: registry.current.catalog.defaults.contact)
    _update(c.JupyterHub, "template_vars", variables)
    c.E2xSpawner.auto_start_seconds = settings.auto_start_seconds


def _set_up_exams(c: Any, registry: LiveRegistry, settings: HubSettings) -> None:
    """Everything that makes a hub one for exams."""
    _check_safe_browser(registry, settings)
    desk = _make_desk(registry, settings)
    c.E2xSpawner.registry = desk.registry
    _set_exam_login(c, desk)
    _set_examinees_rights(c)
    _set_exam_pages(c, desk, settings)
    desk.records.watch()


def _check_safe_browser(registry: LiveRegistry, settings: HubSettings) -> None:
    """Safe Exam Browser signs the address that people see; the hub does not know it by itself."""
    current = registry.current
    demanding = [
        exam
        for exam, declared in current.catalog.exams.items()
        if declared.safe_exam_browser and current.serves_exam(exam)
    ]
    if demanding and not settings.public_url:
        raise ConfigurationError(
            f"{', '.join(demanding)} demands Safe Exam Browser, and the setting public_url is "
            "missing; set it to the address of the hub, such as https://exams.example.org/"
        )


def _make_desk(registry: LiveRegistry, settings: HubSettings) -> ExamDesk:
    peppers = load_peppers(Path(settings.pepper_file) if settings.pepper_file else None)
    records = LiveExamRecords(open_exam_records(settings.database_url, peppers))
    return ExamDesk(
        registry=ExamRegistry(registry, records),
        records=records,
        trusted_proxies=settings.trusted_proxies,
        public_url=settings.public_url,
    )


def _set_exam_login(c: Any, desk: ExamDesk) -> None:
    c.JupyterHub.authenticator_class = "e2x-otp"
    c.OneTimePasswordAuthenticator.desk = desk
    _append(c.JupyterHub, "template_paths", str(_TEMPLATES / "exam"))


def _set_staff_sign_in(c: Any, settings: HubSettings) -> None:
    c.OneTimePasswordAuthenticator.second_factor = settings.second_factor
    if settings.staff_authenticator:
        c.OneTimePasswordAuthenticator.staff_authenticator_class = settings.staff_authenticator
    _update(c.JupyterHub, "custom_scopes", CUSTOM_SCOPES)
    if not c.JupyterHub.get("default_url"):
        c.JupyterHub.default_url = first_page_of


def _set_examinees_rights(c: Any) -> None:
    c.JupyterHub.allow_named_servers = False
    # A pod's token reports activity; it opens neither files nor terminals.
    c.E2xSpawner.server_token_scopes = ["users:activity!user"]
    _append(c.JupyterHub, "load_roles", _EXAMINEE_ROLE)


def _set_exam_pages(c: Any, desk: ExamDesk, settings: HubSettings) -> None:
    forward_auth = make_forward_auth_handlers(SessionGuard(desk), settings.forward_auth_header)
    pages = [*make_examinee_handlers(desk), *make_console_handlers(desk, find_policy_fault)]
    _set_handlers(c, [FILES_ROUTE, *pages, *forward_auth])
    _update(c.JupyterHub, "template_vars", {"has_exam_bar": True})


def _append(section: Any, name: str, value: Any) -> None:
    """Adds `value` to a list that the chart may have set; twice is once."""
    configured = section.get(name)
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….append(…)` before
        configured.append(value)
    elif value not in (configured or []):
        setattr(section, name, [*(configured or []), value])


def _set_handlers(c: Any, handlers: list[tuple[Any, ...]]) -> None:
    """Beside what the chart or an admin has; ours of an earlier call are replaced."""
    ours = {handler[0] for handler in handlers}
    others = [known for known in c.JupyterHub.get("extra_handlers", []) if known[0] not in ours]
    c.JupyterHub.extra_handlers = [*others, *handlers]


def _update(section: Any, name: str, values: dict[str, Any]) -> None:
    """Adds `values` to a mapping that the chart may have set."""
    configured = section.get(name)
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….update(…)` before
        configured.update(values)
    else:
        setattr(section, name, {**(configured or {}), **values})
