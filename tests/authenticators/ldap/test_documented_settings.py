"""Whoever copies the settings of a page has a hub that starts and that somebody may enter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sign-in-with-ldap.md"


def documented() -> Iterator[Any]:
    """Every section with a server, under the heading where it is."""
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        for block in re.findall(r"^```yaml\n(.*?)^```", part, re.DOTALL | re.MULTILINE):
            section = yaml.safe_load(block)["hub"]["config"]["LDAPAuthenticator"]
            if "server_address" in section:
                yield pytest.param(section, id=part.splitlines()[0])


@pytest.mark.parametrize("section", list(documented()))
def test_documented_settings_admit_somebody(
    section: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "lookup_dn_search_user" in section:
        monkeypatch.setenv("E2XHUB_LDAP_PASSWORD", "of the service")
    section.pop("ca_file", None)  # is on the admin's hub
    made = LDAPAuthenticator(config=Config({"LDAPAuthenticator": section}))
    assert made.may_admit_anybody


def test_page_has_settings_for_three_directories() -> None:
    assert len(list(documented())) == 3
