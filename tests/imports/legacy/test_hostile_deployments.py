"""Whatever stands in a deployment's files: no traceback, nobody gained, nothing outside."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.imports.legacy.importer import ImportNotPossibleError
from tests.imports.legacy.deployments import NAMES, SAMPLES, TODAY, import_into
from tests.storage.hostile_files import broken_copies

FILES = sorted(file.relative_to(SAMPLES) for file in SAMPLES.rglob("*") if file.is_file())
PIECES = [
    *("Username\n", "FB02UID", "null", ";", ",", '"', "\n", "\r", "\0", "\ud800", "{", "}", "../"),
    *("server:", "mode: exam", "nbgrader:", "course_name: ", "course_id: ../x", "image: ", "- "),
    *("&a", "*a", "!!python/object", "2024-01-31", "1e999", "-1", "{username}", "{{", "|", "<b>"),
    *("resources: {mem_limit: 99999999T}", "resources: []", "node_affinity: {a: {b: [1]}}"),
    *("extraVolumes: [{name: disk2, bogus: {a: b}}]", "kubernetes: {bogus: {}}"),
    *("commands: [export LANGUAGE=../x]", "LANGUAGE=de_DE", "subPath: courses", "subPath: homes"),
    *("mountPath: /srv/nbgrader/exchange/IT-SS23", "mountPath: /home/jovyan", "nbgrader: {}"),
    *("subPath: ../../x", "subPath: /x", "name: Disk", "mountPath: /", "mounts: 3", "term: {"),
]


def import_broken(file: Path, content: bytes) -> None:
    """Imports the sample with `content` in `file`, and checks what every import must hold."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "from"), Path(name, "to")
        shutil.copytree(SAMPLES / file.parts[0], source)
        source.joinpath(*file.parts[1:]).write_bytes(content)
        try:
            outcome = import_into(target, source)
        except ImportNotPossibleError:
            return
        text = "\n".join(
            listed.read_bytes().decode(errors="replace").lower()
            for listed in source.rglob("*")
            if listed.is_file()
        )
        assert all(username in text for username in outcome.roster.usernames)
        for exam in outcome.catalog.exams.values():
            assert exam.ends_at.date() < TODAY
        assert {entry.name for entry in Path(name).iterdir()} == {"from", "to"}


@settings(max_examples=40)
@given(st.data())
def test_broken_file_never_stops_an_import(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES))
    original = (SAMPLES / file).read_bytes().decode(errors="replace")
    import_broken(file, data.draw(broken_copies(original, PIECES)))


@settings(max_examples=25)
@given(st.sampled_from(FILES), st.binary(max_size=200))
def test_arbitrary_bytes_never_stop_an_import(file: Path, content: bytes) -> None:
    import_broken(file, content)


@settings(max_examples=40)
@given(st.from_regex(re.compile(r"[\w.+@/{}<>\[\]|* -]{1,40}"), fullmatch=True))
def test_arbitrary_names_of_files_never_stop_an_import(name: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        source, target = Path(root, "from"), Path(root, "to")
        parts = [part for part in name.split("/") if part.strip(".")]
        file = Path(source, "student", *parts[:3]).with_suffix(".csv")
        file.parent.mkdir(parents=True)
        file.write_text("Username\namy\n")
        try:
            outcome = import_into(target, source)
        except ImportNotPossibleError:
            return
        assert set(outcome.roster.usernames) == {"amy"}
        written = [entry for entry in target.rglob("*.csv") if entry.is_file()]
        assert len(written) == 1
        assert written[0].resolve().is_relative_to(target.resolve())


@pytest.mark.parametrize("name", NAMES)
def test_file_that_a_link_brings_from_outside_is_left_out_and_told(
    tmp_path: Path, name: str
) -> None:
    source = tmp_path / "from"
    shutil.copytree(SAMPLES / name, source)
    (tmp_path / "secret.csv").write_text("Username\nsecret1\n")
    (source / "stolen.csv").symlink_to(tmp_path / "secret.csv")
    outcome = import_into(tmp_path / "to", source)
    assert "secret1" not in outcome.roster.usernames
    (note,) = (note for note in outcome.notes if note.where.file == "stolen.csv")
    assert note.message == "it is a link to a place outside of the deployment's directory"


@pytest.mark.parametrize("name", NAMES)
def test_link_that_leads_back_and_a_pipe_are_passed_over(tmp_path: Path, name: str) -> None:
    source = tmp_path / "from"
    shutil.copytree(SAMPLES / name, source)
    (source / "loop").symlink_to(source)
    (source / "gone.csv").symlink_to(source / "nowhere")
    os.mkfifo(source / "pipe.csv")
    outcome = import_into(tmp_path / "to", source)
    assert outcome.roster.usernames
