"""Where people find the hub."""

from __future__ import annotations

from jupyterhub.handlers.base import BaseHandler


def hub_address(handler: BaseHandler, public_url: str) -> str:
    """What is printed and shown: the setting `public_url`, else what this browser has typed.

    The latter comes from a proctor, who sees it; it decides nothing.
    """
    if public_url:
        return public_url
    base = handler.settings.get("base_url", "/")
    return f"{handler.request.protocol}://{handler.request.host}{base}"
