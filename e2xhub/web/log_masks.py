"""Keeps out of the hub's log what JupyterHub and tornado would write into it.

JupyterHub logs the id of each new session (`jupyterhub._xsrf_utils`, at the level INFO), and both
log the addresses of requests, where a page or a script may have put a code by mistake. What is
masked reads `[secret]`.
"""

from __future__ import annotations

import logging
import re

from e2xhub.domain.passwords import ALPHABET, LENGTH

_LOGGERS = ("JupyterHub", "tornado.access", "tornado.application", "tornado.general")
_HALF = f"[{ALPHABET}]{{{LENGTH // 2}}}"
# Not the ports of a NetworkPolicy, such as 27000-27009/TCP, which an admin has to read.
_CODE = rf"(?<![0-9a-zA-Z-]){_HALF}-{_HALF}(?![0-9a-zA-Z-]|/(?:TCP|UDP|SCTP)\b)"
_SECRETS = re.compile(
    # A field of our forms in an address; a session's id or a token; a code as it is on a slip, and
    # in small letters where it has a digit: frank-peter is a name.
    r"(?P<field>[?&](?i:password|room_code|code)=)[^&\s#]+"
    r"|(?<=xsrf cookie for b')[^']*"  # begins with a session's id, whoever has chosen it
    r"|(?<![0-9a-zA-Z])(?i:[0-9a-f]{32})(?![0-9a-zA-Z])"
    rf"|{_CODE}|(?i:(?=[a-z-]*[0-9]){_CODE})"
)


class SecretMask(logging.Filter):
    """Masks what looks like a secret in the messages of a logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes."""
        message = record.getMessage()
        masked = mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def mask(message: str) -> str:
    """`message` without secrets."""
    return _SECRETS.sub(lambda found: f"{found['field'] or ''}[secret]", message)


def mask_secrets_in_log() -> None:
    """Masks in the loggers of JupyterHub and tornado; twice is once."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, SecretMask) for known in logger.filters):
            logger.addFilter(SecretMask())
