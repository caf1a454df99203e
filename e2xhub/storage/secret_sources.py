"""Reads secrets of an admin, such as a password of another system: from a file, or a variable.

Both come from a Kubernetes Secret as a rule, and that from a file, which ends with a newline.
"""

from __future__ import annotations

import os
from pathlib import Path

from e2xhub.errors import E2xHubError

_LINE_ENDS = "\r\n"


class UnreadableSecretError(E2xHubError):
    """Why the file cannot be read, without what is in it."""


def read_secret(file: Path | None, variable: str) -> str:
    """The secret in `file`, or in the environment's `variable` where no file is named.

    Line ends after it are not part of it; empty: there is none. Raises UnreadableSecretError.
    """
    text = os.environ.get(variable, "") if file is None else _read(file)
    return text.rstrip(_LINE_ENDS)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableSecretError(error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise UnreadableSecretError("it is no text in UTF-8") from None
