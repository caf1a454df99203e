"""Which files belong to a catalog or a roster: regular ones, and none from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import files_at


def find(path: Path) -> list[Path]:
    return files_at(path, {".csv"}, kind="CSV", expected="a roster")


def fault_of(path: Path) -> Fault:
    with pytest.raises(FaultsFoundError) as caught:
        find(path)
    (fault,) = caught.value.faults
    return fault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "x.csv").write_text("x")
    (tmp_path / "secret.csv").write_text("secret")
    return tmp_path / "root"


def test_link_inside_is_followed(root: Path) -> None:
    (root / "y.csv").symlink_to("a/x.csv")
    assert find(root) == [root / "a" / "x.csv", root / "y.csv"]


def test_files_of_a_mounted_config_map_are_found_once(root: Path) -> None:
    (root / "..2026_11_20").mkdir()
    (root / "..2026_11_20" / "z.csv").write_text("z")
    (root / "..data").symlink_to("..2026_11_20")
    (root / "z.csv").symlink_to("..data/z.csv")
    assert find(root) == [root / "a" / "x.csv", root / "z.csv"]


@pytest.mark.parametrize("target", ["../secret.csv", "/proc/self/environ"])
def test_file_from_outside_is_a_fault(root: Path, target: str) -> None:
    (root / "y.csv").symlink_to(target)
    fault = fault_of(root)
    assert fault.file == str(root / "y.csv")
    assert fault.message == f"this is a link to a place outside of {root}; expected a file inside"


def test_directory_from_outside_is_a_fault(root: Path) -> None:
    (root / "b").symlink_to("..")
    assert fault_of(root).file == str(root / "b")


def test_directory_that_is_named_may_be_a_link(root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    assert find(link) == [link / "a" / "x.csv"]


def test_pipe_is_a_fault_and_nobody_waits_for_it(root: Path) -> None:
    os.mkfifo(root / "y.csv")
    message = "this is no regular file; expected a file with text"
    assert fault_of(root).message == message
    assert fault_of(root / "y.csv").message == message
