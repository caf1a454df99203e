"""What some tests need of the system: programs, and a kernel that allows what they try."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps PostgreSQL's own programs off the PATH.
_FURTHER_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


def find_program(name: str) -> str:
    """The path of the program `name`.

    Where it is missing the test is skipped, or fails if E2XHUB_REQUIRE_ALL is set.
    """
    found = shutil.which(name) or _find_elsewhere(name)
    if found is None:
        skip_or_fail(f"the program {name!r} is not installed")
    return found


def skip_or_fail(reason: str) -> NoReturn:
    """Skips the test, or fails it if E2XHUB_REQUIRE_ALL is set: there every test must run."""
    if os.environ.get("E2XHUB_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


def _find_elsewhere(name: str) -> str | None:
    for place in _FURTHER_PLACES:
        for found in sorted(Path("/").glob(f"{place[1:]}/{name}"), reverse=True):
            if os.access(found, os.X_OK):
                return str(found)
    return None
