"""The pepper's file is made once, is private, and says what is wrong with it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2xhub.domain.passwords import Pepper
from e2xhub.errors import ConfigurationError
from e2xhub.storage.pepper_file import ensure_pepper, load_pepper


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pepper"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_pepper_is_read_from_a_file_that_others_cannot_read(file: Path, mode: int) -> None:
    write(file, "ab" * 32 + "\n", mode)
    assert load_pepper(file) == Pepper(b"\xab" * 32)


def test_missing_pepper_is_told_with_the_command_that_makes_one(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_pepper(file)
    assert str(caught.value) == (
        f"{file}: the pepper cannot be read ([Errno 2] No such file or directory: '{file}'); "
        "make one with: openssl rand -hex 32 > FILE && chmod 600 FILE"
    )


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_pepper_that_everybody_may_read_or_write_is_refused(file: Path, mode: int) -> None:
    write(file, "ab" * 32, mode)
    with pytest.raises(ConfigurationError) as caught:
        load_pepper(file)
    assert str(caught.value) == (
        f"{file}: everybody may read the pepper; take that right away with: chmod o= FILE "
        "(in a Secret's volume: defaultMode: 0440)"
    )


@pytest.mark.parametrize("text", ["", "ab" * 31, "xy" * 32, "äb" * 32])
def test_file_that_is_no_pepper_is_refused_and_not_shown(file: Path, text: str) -> None:
    write(file, text)
    with pytest.raises(ConfigurationError) as caught:
        load_pepper(file)
    assert str(file) in str(caught.value)
    assert not text or text not in str(caught.value)


def test_directory_is_no_pepper(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        load_pepper(tmp_path)


def test_pepper_is_made_private_and_kept(file: Path) -> None:
    pepper = ensure_pepper(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ensure_pepper(file) == pepper == load_pepper(file)


def test_several_that_make_a_pepper_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for number in range(25):
            file = tmp_path / f"pepper-{number}"
            made = list(threads.map(ensure_pepper, [file] * 8))
            assert {pepper.key_id for pepper in made} == {load_pepper(file).key_id}
    assert len(list(tmp_path.iterdir())) == 25
