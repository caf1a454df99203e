"""What a catalog has no place for is noted with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.legacy.deployments import import_into, write_files


@pytest.mark.parametrize(
    ("key", "value", "noted"),
    [
        ("course_cmds", "[a, b]", "left-out: shell commands (2 entries) run at every start"),
        ("auto_add_users", "true", "changed: the roster alone says who is a member"),
        ("mount_course_config", "true", "left-out: no server gets the hub's own files any more"),
        ("default", "true", "left-out: the spawn page shows title, term and sizes"),
        ("surprise", "true", "left-out: this key is not known, and is not carried over"),
    ],
)
@pytest.mark.parametrize("file", ["config.yaml", "student/A-SS23.yaml"])
def test_known_key_without_a_place_is_told_the_same_in_every_file(
    tmp_path: Path, file: str, key: str, value: str, noted: str
) -> None:
    said = f"{key}: {value}"
    files = {
        "student/A-SS23.csv": "Username\namy\n",
        file: f"server: {{hub: {{{said}}}}}" if file == "config.yaml" else said,
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    (note,) = [note for note in outcome.notes if note.where.file == file]
    assert f"{note.kind.value}: {note.message}".startswith(noted)


@pytest.mark.parametrize("key", ["commands", "auto_add_users", "verbose_profile_list"])
def test_known_key_that_was_off_is_not_told(tmp_path: Path, key: str) -> None:
    files = {"student/A-SS23.csv": "Username\namy\n", "student/A-SS23.yaml": f"{key}: false"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert [note for note in outcome.notes if note.where.file == "student/A-SS23.yaml"] == []
