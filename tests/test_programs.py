"""What is missing is never a silent success: the test is skipped, or fails where all must run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import find_program, skip_or_fail


def test_program_on_the_path_is_found() -> None:
    assert Path(find_program("sh")).is_file()


def test_missing_program_skips_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2XHUB_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="'no-such-program' is not installed"):
        find_program("no-such-program")


def test_missing_program_fails_where_all_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2XHUB_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="'no-such-program' is not installed"):
        find_program("no-such-program")


def test_other_lack_skips_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2XHUB_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no namespaces"):
        skip_or_fail("no namespaces")


def test_other_lack_fails_where_all_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2XHUB_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no namespaces"):
        skip_or_fail("no namespaces")
