"""`configure(c, …)`: from a few settings to a hub's configuration. This package alone writes `c`.

The same call serves a zero-to-jupyterhub hub (`jupyterhub_config.d/`, `hub.extraConfig`), a plain
`jupyterhub_config.py` and the demo.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets import TraitError
from traitlets.log import get_logger

import e2xhub.web
from e2xhub.config.begun import Begun
from e2xhub.config.exam_hub import set_up_exam_hub, warn_of_many_proxies
from e2xhub.config.registry import open_registry_of
from e2xhub.config.sections import append, update
from e2xhub.config.single_sign_on import set_single_sign_on
from e2xhub.config.teaching_hub import set_up_teaching_hub
from e2xhub.contradictions import Intended, find_contradictions, set_value
from e2xhub.domain.grading_warnings import find_exams_beside_an_exchange
from e2xhub.domain.roles import HubKind
from e2xhub.errors import ConfigurationError
from e2xhub.hub_settings import HubSettings, parse_settings
from e2xhub.storage.attendance_doubts import AttendanceDoubts
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.web.hub_pages import make_page_variables
from e2xhub.web.log_masks import mask_secrets_in_log

_TEMPLATES = Path(e2xhub.web.__file__).parent / "templates"


class HubDoesNotStartError(ConfigurationError, TraitError):
    """What `configure` raises: JupyterHub ends on a TraitError with its text and no traceback."""


def configure(c: Any, declared: Any = None, /, **settings: Any) -> None:
    """Configures the hub whose traitlets configuration is `c`; see `HubSettings` for `settings`.

    `declared` has settings as a mapping: the chart's value `custom.e2xhub`, whatever it is.
    Keywords win. Raises HubDoesNotStartError, with every fault, where settings, catalog or roster
    are faulty.
    """
    try:
        chosen = parse_settings(declared, settings)
        begun = _find_earlier(c, chosen) or Begun(
            settings=chosen, registry=open_registry_of(chosen)
        )
        registry = begun.registry
        _check_contradictions(c, registry, chosen)
        _set_spawner(c, registry)
        _set_named_servers(c, chosen)
        _set_pages(c, registry, chosen)
        mask_secrets_in_log()
        set_up = set_up_exam_hub if chosen.hub is HubKind.EXAM else set_up_teaching_hub
        set_up(c, begun)
        set_single_sign_on(c, begun)
        _begin_watching(begun)
        c.E2xHub.earlier = begun
    except ConfigurationError as error:
        raise HubDoesNotStartError(f"e2xhub:\n{error}") from error


def _find_earlier(c: Any, settings: HubSettings) -> Begun | None:
    earlier: Begun | None = c.get("E2xHub", {}).get("earlier")
    if earlier is None or earlier.settings == settings:
        return earlier
    different = [
        name
        for name in HubSettings.model_fields
        if getattr(earlier.settings, name) != getattr(settings, name)
    ]
    raise ConfigurationError(
        f"e2xhub.configure is called twice, with different settings ({', '.join(different)}); "
        "remove one of the calls, they are in the image's jupyterhub_config.d and in the chart's "
        "hub.extraConfig"
    )


def _begin_watching(begun: Begun) -> None:
    """Last, so that nothing looks on behalf of a hub that does not start; once for all calls."""
    if begun.is_watched:
        return
    begun.is_watched = True
    _warn_of_exams_beside_an_exchange(begun.registry)
    if begun.desk is not None:
        warn_of_many_proxies(begun.settings)
        begun.desk.records.watch()
        begun.desk.trusted_proxies.watch()
    if begun.attendance is not None:
        begun.attendance.watch()
        AttendanceDoubts(begun.registry, begun.attendance).watch()
    if begun.course_desk is not None:
        begun.course_desk.watch()
    if begun.sign_on is not None:
        begun.sign_on.watch(begun.settings.reload_seconds)
    if begun.settings.reload_seconds:
        begun.registry.watch(every_seconds=begun.settings.reload_seconds)


def _warn_of_exams_beside_an_exchange(registry: LiveRegistry) -> None:
    """As `e2xhub check` does; here also for whoever does not run that."""
    for found in find_exams_beside_an_exchange(registry.current.catalog):
        get_logger().warning("%s: %s", ".".join(found.place), found.message)


def _check_contradictions(c: Any, registry: LiveRegistry, settings: HubSettings) -> None:
    intended = Intended(
        hub=settings.hub,
        catalog=registry.current.catalog,
        staff_authenticator=settings.staff_authenticator,
    )
    faults = find_contradictions(c, intended)
    if faults:
        raise ConfigurationError("\n".join(faults))


def _set_spawner(c: Any, registry: LiveRegistry) -> None:
    c.JupyterHub.spawner_class = "e2x"
    c.E2xSpawner.registry = registry
    # A refused request is no sign of a broken hub, but JupyterHub 5 counts it as one.
    c.E2xSpawner.consecutive_failure_limit = 0
    for name in ("volumes", "volume_mounts"):
        # KubeSpawner's default is a list, for which traitlets drops what was said with `update`.
        if isinstance(added := set_value(c.KubeSpawner, name), dict):
            c.KubeSpawner[name] = added


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
    for kind in ("exam", "hub") if settings.hub is HubKind.EXAM else ("hub",):
        append(c.JupyterHub, "template_paths", str(_TEMPLATES / kind))
    variables = make_page_variables(lambda: registry.current.catalog.defaults.contact)
    update(c.JupyterHub, "template_vars", variables)
    c.E2xSpawner.auto_start_seconds = settings.auto_start_seconds
