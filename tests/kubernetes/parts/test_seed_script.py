"""Copying a seed, by the very script that the init container runs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2xhub.kubernetes.parts.containers import _COPY


@dataclass(frozen=True, kw_only=True)
class Place:
    source: Path
    home: Path

    @property
    def to(self) -> Path:
        return self.home / "start"

    @property
    def mark(self) -> Path:
        return self.home / ".e2xhub" / "seed-a"

    def copy(self) -> str:
        words = ["/bin/sh", "-c", _COPY, "seed", *map(str, (self.source, self.to, self.mark))]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(source=tmp_path / "a seed", home=tmp_path / "a home")
    (place.source / "deep er").mkdir(parents=True)
    place.home.mkdir()
    (place.source / "read me.txt").write_text("Welcome")
    (place.source / "deep er" / "$(x) 'y'.txt").write_text("Deep")
    (place.source / "link").symlink_to("read me.txt")
    return place


def test_everything_is_copied(place: Place) -> None:
    assert place.copy() == ""
    assert (place.to / "read me.txt").read_text() == "Welcome"
    assert (place.to / "deep er" / "$(x) 'y'.txt").read_text() == "Deep"
    assert (place.to / "link").readlink() == Path("read me.txt")
    assert place.mark.exists()


def test_file_of_the_person_stays(place: Place) -> None:
    place.to.mkdir()
    (place.to / "read me.txt").write_text("Mine")
    (place.to / "link").symlink_to("nowhere")
    place.copy()
    assert (place.to / "read me.txt").read_text() == "Mine"
    assert (place.to / "link").readlink() == Path("nowhere")


def test_what_was_deleted_does_not_come_back(place: Place) -> None:
    place.copy()
    (place.to / "read me.txt").unlink()
    place.copy()
    assert not (place.to / "read me.txt").exists()


def test_copy_that_was_cut_off_is_finished_at_the_next_start(place: Place) -> None:
    place.to.mkdir()
    (place.to / "read me.txt.e2xhub-part").write_text("Wel")
    place.copy()
    assert (place.to / "read me.txt").read_text() == "Welcome"
    assert not list(place.to.glob("*.e2xhub-part"))


def test_copy_that_fails_keeps_nobody_from_working_and_is_tried_again(place: Place) -> None:
    place.to.write_text("a file in the way")
    assert place.copy() == "not all could be copied\n"
    assert not place.mark.exists()
    place.to.unlink()
    place.copy()
    assert (place.to / "read me.txt").read_text() == "Welcome"


def test_seed_that_is_not_there_keeps_nobody_from_working(place: Place, tmp_path: Path) -> None:
    gone = Place(source=tmp_path / "gone", home=place.home)
    assert gone.copy() == "not all could be copied\n"
    assert list(gone.to.iterdir()) == []
