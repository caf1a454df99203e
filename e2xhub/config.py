"""`configure(c, …)`: from a few settings to a hub's configuration. The only writer of `c`.

The same call serves a zero-to-jupyterhub hub (`jupyterhub_config.d/`, `hub.extraConfig`), a plain
`jupyterhub_config.py` and the demo.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from traitlets import TraitError
from traitlets.config.loader import LazyConfigValue

import e2xhub.web
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster_changes import MOST_LOSS_PERCENT
from e2xhub.errors import ConfigurationError
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.roster.opening import open_roster
from e2xhub.web.hub_pages import make_page_variables

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
    """File with the key of the password hashes; needed by exam hubs."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed."""

    @field_validator("roster", mode="before")
    @classmethod
    def _path_is_a_text(cls, roster: Any) -> Any:
        return str(roster) if isinstance(roster, Path) else roster

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
        if self.hub is HubKind.EXAM and not (self.database_url and self.pepper_file):
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
        if chosen.hub is HubKind.EXAM:
            _set_exam_login(c, registry, chosen)
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
    configured = c.JupyterHub.get("template_vars")
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….update(…)` before
        configured.update(variables)
    else:
        c.JupyterHub.template_vars = {**(configured or {}), **variables}
    c.E2xSpawner.auto_start_seconds = settings.auto_start_seconds


def _set_exam_login(c: Any, registry: LiveRegistry, settings: HubSettings) -> None:
    c.JupyterHub.authenticator_class = "e2x-otp"
    c.JupyterHub.allow_named_servers = False
    # A pod's token reports activity; it opens neither files nor terminals.
    c.E2xSpawner.server_token_scopes = ["users:activity!user"]
    _append(c.JupyterHub, "load_roles", _EXAMINEE_ROLE)
    c.OneTimePasswordAuthenticator.registry = registry
    c.OneTimePasswordAuthenticator.database_url = settings.database_url
    c.OneTimePasswordAuthenticator.pepper_file = settings.pepper_file
    c.OneTimePasswordAuthenticator.trusted_proxies = list(settings.trusted_proxies)
    _append(c.JupyterHub, "template_paths", str(_TEMPLATES / "exam"))


def _append(section: Any, name: str, value: Any) -> None:
    """Adds `value` to a list that the chart may have set; twice is once."""
    configured = section.get(name)
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….append(…)` before
        configured.append(value)
    elif value not in (configured or []):
        setattr(section, name, [*(configured or []), value])
