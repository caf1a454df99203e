"""`e2xhub seb`: the file, and what is said of its key."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from e2xhub.domain.safe_exam_browser import accepted_keys
from e2xhub.domain.seb_files import compute_config_key
from tests.cli.program import Outcome, call_e2xhub
from tests.examples import CATALOG_FILE, EXAM, load_example

HUB = "https://hub.example.org/"
RULE = load_example().exams[EXAM].safe_exam_browser  # type: ignore[index]
TOLD = (
    f"This file is for the hub at {HUB}, which computes its config key from the catalog: there is "
    "nothing to add there. Make it anew when the exam's 'generated' changes.\n"
)


def run_seb(*arguments: object, catalog: Path = CATALOG_FILE) -> Outcome:
    return call_e2xhub("seb", *arguments, E2XHUB_CATALOG=catalog)


def test_file_has_a_key_that_the_hub_admits() -> None:
    assert RULE is not None
    done = run_seb(EXAM, "--hub-url", "https://Hub.example.org")
    assert (done.status, done.errors) == (0, TOLD)
    settings = plistlib.loads(done.output.encode())
    assert settings["startURL"] == "https://hub.example.org/hub/login"
    assert compute_config_key(settings) in accepted_keys(RULE, HUB).config_keys


def test_file_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "ml.seb"
    done = run_seb(EXAM, "--hub-url", HUB, "--output", file)
    assert (done.status, done.output, done.errors) == (0, "", TOLD)
    assert plistlib.loads(file.read_bytes())["sendBrowserExamKey"] is True


def test_key_is_told_only_when_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "ml.seb"
    done = run_seb(EXAM, "--hub-url", HUB, "--output", file, "--show-key")
    key = compute_config_key(plistlib.loads(file.read_bytes()))
    assert (done.output, done.errors) == ("", f"{TOLD}Config key: {key}\n")


def test_address_that_is_none_is_wrong_usage() -> None:
    done = run_seb(EXAM, "--hub-url", "hub.example.org")
    assert (done.status, done.output) == (2, "")
    assert "'hub.example.org' cannot be used (it has no scheme http or https" in done.error_text


def test_address_is_needed() -> None:
    done = run_seb(EXAM)
    assert done.status == 2
    assert "Missing option '--hub-url'" in done.error_text


def test_unknown_exam_is_told() -> None:
    done = run_seb("none", "--hub-url", HUB)
    assert (done.status, done.output) == (1, "")
    assert done.errors == f"exam 'none' is not in the catalog; expected one of: {EXAM}\n"


@pytest.mark.parametrize("rule", ["", f"\n    safe_exam_browser: {{config_keys: ['{'ab' * 32}']}}"])
def test_exam_without_a_generated_file_is_told_with_its_line(rule: str, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    text = CATALOG_FILE.read_text(encoding="utf-8")
    begin, _, rest = text.partition("    safe_exam_browser:\n")
    _, _, end = rest.partition("    staff: {grader: [gina]}\n")
    catalog.write_text(f"{begin.rstrip()}{rule}\n{end}", encoding="utf-8")
    done = run_seb(EXAM, "--hub-url", HUB, catalog=catalog)
    named = "    safe_exam_browser:" if rule else f"  {EXAM}:"
    line = [line.startswith(named) for line in catalog.read_text().splitlines()].index(True) + 1
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"{catalog}:{line}: exam '{EXAM}' does not admit a generated file; expected "
        "'safe_exam_browser: {generated: {salt: …}}' with what 'openssl rand -hex 32' prints\n"
    )


def test_fault_of_a_key_is_told_with_its_line_and_without_the_key(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    text = CATALOG_FILE.read_text(encoding="utf-8").replace('config_keys: ["c', 'config_keys: ["')
    catalog.write_text(text, encoding="utf-8")
    done = run_seb(EXAM, "--hub-url", HUB, catalog=catalog)
    line = ["      config_keys:" in line for line in text.splitlines()].index(True) + 1
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"{catalog}:{line}: exams.{EXAM}.safe_exam_browser.config_keys.0: this is no key "
        "(63 characters); expected 64 digits 0-9 a-f, as Safe Exam Browser and sha256sum show "
        "them\n"
    )
