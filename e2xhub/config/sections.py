"""Adds to lists and mappings of a hub's configuration that the chart or an admin may have set."""

from __future__ import annotations

from typing import Any

from traitlets.config.loader import LazyConfigValue


def append(section: Any, name: str, value: Any) -> None:
    """Adds `value` to a list that the chart may have set; twice is once."""
    configured = section.get(name)
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….append(…)` before
        configured.append(value)
    elif value not in (configured or []):
        setattr(section, name, [*(configured or []), value])


def set_handlers(c: Any, handlers: list[tuple[Any, ...]]) -> None:
    """Beside what the chart or an admin has; ours of an earlier call are replaced."""
    ours = {handler[0] for handler in handlers}
    others = [known for known in c.JupyterHub.get("extra_handlers", []) if known[0] not in ours]
    c.JupyterHub.extra_handlers = [*others, *handlers]


def update(section: Any, name: str, values: dict[str, Any]) -> None:
    """Adds `values` to a mapping that the chart may have set."""
    configured = section.get(name)
    if isinstance(configured, LazyConfigValue):  # somebody said `c.….update(…)` before
        configured.update(values)
    else:
        setattr(section, name, {**(configured or {}), **values})
