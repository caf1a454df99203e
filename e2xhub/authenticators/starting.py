"""How a hub ends whose sign-in cannot be used: with one line, as where its configuration is faulty.

JupyterHub makes its authenticator after it has read its files; what is raised then it shows with
thirty lines of its own, and the reason last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from traitlets import TraitError
from traitlets.config import Application

from e2xhub.errors import ConfigurationError

Init = Callable[..., None]


def ends_the_hub(init: Init) -> Init:
    """An authenticator's `__init__`; its TraitErrors and ConfigurationErrors end the hub.

    Without a hub, in a command or a test, they are raised.
    """

    @wraps(init)
    def made(self: Any, **kwargs: Any) -> None:
        hub = kwargs.get("parent")
        try:
            init(self, **kwargs)
            _check_beside(self, hub)
        except (TraitError, ConfigurationError) as error:
            if not isinstance(hub, Application):
                raise
            # The words of traitlets, for which an admin searches the log.
            hub.log.critical("Bad config encountered during initialization: %s", error)
            hub.exit(1)

    return made


def _check_beside(authenticator: Any, hub: Any) -> None:
    """Raises TraitError for settings of the hub that this authenticator makes impossible."""
    if getattr(hub, "authenticator_class", None) is not type(authenticator):
        return  # no hub, or the sign-in of staff, whose groups JupyterHub does not ask for
    if faults := list(_find_faults(authenticator, hub)):
        raise TraitError("\n".join(faults))


def _find_faults(authenticator: Any, hub: Any) -> Iterator[str]:
    if authenticator.manage_groups and hub.load_groups:
        section = getattr(authenticator, "chosen_name", type(authenticator).__name__)
        yield (
            "JupyterHub.load_groups is set, and the groups of whoever signs in replace those "
            f"(manage_groups); remove load_groups, or set {section}.manage_groups to False (with "
            "custom.e2xhub's oauth: remove oauth.group_claims)"
        )
