"""A directory for all tests of a file: none of them changes it, or each changes its own person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authenticators.ldap.certificates import Authority
from tests.authenticators.ldap.slapd import Slapd, slapd


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def university_directory(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Slapd]:
    """A server with everybody of `people.py`; nobody stops it."""
    with slapd(tmp_path_factory.mktemp("slapd"), authority=authority) as server:
        yield server


@pytest.fixture
def own_directory(tmp_path: Path, authority: Authority) -> Iterator[Slapd]:
    """One that the test may stop, start and change."""
    with slapd(tmp_path, authority=authority) as server:
        yield server
