"""Sign-in with the university's service, of everybody or of an exam hub's staff."""

from __future__ import annotations

from typing import Any

from e2xhub.authenticators.oauth.later_settings import keep_authenticator
from e2xhub.authenticators.oauth.opening import open_sign_on
from e2xhub.config.begun import Begun
from e2xhub.contradictions import CHARTS_OWN_SIGN_IN
from e2xhub.domain.roles import HubKind
from e2xhub.errors import ConfigurationError


def set_single_sign_on(c: Any, begun: Begun) -> None:
    """On an exam hub for staff: examinees have codes."""
    settings = begun.settings
    if settings.oauth is None:
        return
    begun.sign_on = begun.sign_on or open_sign_on(
        settings.oauth,
        database_url=settings.database_url,
        public_url=settings.public_url,
        # New and empty tables would say that nobody has sat an exam.
        makes_tables=settings.hub is not HubKind.GRADING,
    )
    begun.sign_on.check(c)
    for trait, value in begun.sign_on.traits.items():
        c.SingleSignOn[trait] = value
    if settings.hub is HubKind.EXAM:
        c.OneTimePasswordAuthenticator.staff_authenticator_class = begun.sign_on.authenticator
        return
    _check_no_other_sign_in(c, settings.oauth.authenticator, begun.sign_on.authenticator)
    c.JupyterHub.authenticator_class = begun.sign_on.authenticator
    if not begun.is_watched:
        keep_authenticator(begun.sign_on.authenticator, settings.oauth.authenticator)


def _check_no_other_sign_in(c: Any, name: str, made: type) -> None:
    configured = c.JupyterHub.get("authenticator_class")
    if configured not in (None, "", CHARTS_OWN_SIGN_IN, name, made):
        raise ConfigurationError(
            f"JupyterHub.authenticator_class (hub.config) is {configured!r}, and custom.e2xhub's "
            f"oauth signs people in with {name!r}; remove one of them"
        )
