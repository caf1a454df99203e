"""What a configuration says after `configure`, which has judged what was there until then.

JupyterHub reads the whole of it before it makes an authenticator.
"""

from __future__ import annotations

from typing import Any

from traitlets import TraitError
from traitlets.config import Application

_TRAIT = "authenticator_class"
_SET_BY_US = (_TRAIT, "spawner_class")  # the former alone is silent about JupyterHub's own default


def keep_authenticator(made: type, name: str) -> None:
    """From now on the hub does not start with another authenticator than `made`, nor a subclass.

    `name` is the one of `oauth.authenticator`. Outside a hub, where nobody signs in, it does
    nothing. JupyterHub ends on the TraitError with its text.
    """
    if not Application.initialized():
        return
    hub = Application.instance()

    def check(_change: object) -> None:
        chosen = getattr(hub, _TRAIT)
        if not issubclass(chosen, made):
            raise TraitError(
                f"e2xhub:\nJupyterHub.{_TRAIT} is {chosen.__name__!r}, set after "
                f"e2xhub.configure, and custom.e2xhub's oauth signs people in with {name!r}; "
                "remove one of them"
            )

    hub.observe(check, list(_SET_BY_US))


def check_staff_sign_in(c: Any, chosen: type) -> None:
    """Raises TraitError where `c` declares `oauth`, and staff would sign in with another class."""
    declared = c["SingleSignOn"].get("settings")
    if declared is None:
        return
    from e2xhub.authenticators.oauth.authenticator import SingleSignOn

    if not issubclass(chosen, SingleSignOn):
        raise TraitError(
            "e2xhub:\nOneTimePasswordAuthenticator.staff_authenticator_class is "
            f"{chosen.__name__!r}, set after e2xhub.configure, and custom.e2xhub's oauth signs "
            f"staff in with {declared.authenticator!r}; remove one of them"
        )
