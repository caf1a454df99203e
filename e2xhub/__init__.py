"""Courses and exams on JupyterHub: a roster decides who gets which server.

In a hub's configuration::

    from e2xhub import configure

    configure(c, hub="assignment", catalog="/etc/e2xhub/catalog", roster="/etc/e2xhub/roster")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from e2xhub.config import configure

__all__ = ["configure"]


def __getattr__(name: str) -> Any:
    """Imports the hub's part when somebody asks for it: a command needs neither hub nor spawner."""
    if name == "configure":
        from e2xhub.config import configure

        return configure
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
