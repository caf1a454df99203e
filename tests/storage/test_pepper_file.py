"""The pepper's file is made once, is private, and says what is wrong with it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.errors import ConfigurationError
from e2xhub.storage.pepper_file import PEPPER_VARIABLE, ensure_pepper, load_peppers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pepper"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_pepper_is_read_from_a_file_that_others_cannot_read(file: Path, mode: int) -> None:
    write(file, "ab" * 32 + "\n", mode)
    assert load_peppers(file) == Peppers(Pepper(b"\xab" * 32))


def test_missing_pepper_is_asked_for_before_a_new_one_is_made(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(file)
    assert str(caught.value) == (
        f"{file}: the pepper cannot be read (No such file or directory); expected it there: is "
        "that the path, and is it mounted (hub.extraVolumes and hub.extraVolumeMounts)? helm "
        "replaces lists: the list of your last file must name all of them. A new one makes every "
        "issued code void; only for a hub that has issued none: "
        "openssl rand -hex 32 > FILE && chmod 600 FILE"
    )


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_pepper_that_everybody_may_read_or_write_is_refused(file: Path, mode: int) -> None:
    write(file, "ab" * 32, mode)
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(file)
    assert str(caught.value) == (
        f"{file}: everybody may read the pepper; take that right away with: chmod o= FILE "
        "(in a Secret's volume: defaultMode: 0440)"
    )


@pytest.mark.parametrize("text", ["", "ab" * 31, "xy" * 32, "äb" * 32])
def test_file_that_is_no_pepper_is_refused_and_not_shown(file: Path, text: str) -> None:
    write(file, text)
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(file)
    assert str(file) in str(caught.value)
    assert not text or text not in str(caught.value)


def test_directory_is_no_pepper(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        load_peppers(tmp_path)


def test_pepper_is_made_private_and_kept(file: Path) -> None:
    pepper = ensure_pepper(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ensure_pepper(file) == pepper == load_peppers(file)


def test_several_that_make_a_pepper_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for number in range(25):
            file = tmp_path / f"pepper-{number}"
            made = list(threads.map(ensure_pepper, [file] * 8))
            found = {peppers.current.key_id for peppers in made}
            assert found == {load_peppers(file).current.key_id}
    assert len(list(tmp_path.iterdir())) == 25


def test_newest_of_several_peppers_is_the_first(file: Path) -> None:
    write(file, f"{'ab' * 32}\n{'cd' * 32}\n\n")
    older = Pepper(b"\xcd" * 32)
    peppers = load_peppers(file)
    assert peppers == Peppers(Pepper(b"\xab" * 32), (older,))
    assert (peppers.find(older.key_id), peppers.find("0" * 16)) == (older, None)


@pytest.mark.parametrize("second", ["ab" * 31, "old", "# the old one"])
def test_further_line_that_is_no_pepper_is_refused(file: Path, second: str) -> None:
    write(file, f"{'ab' * 32}\n{second}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(file)
    assert str(caught.value) == (
        f"{file}: this is no pepper; expected one or more lines of 64 hexadecimal digits, the "
        "newest first"
    )


def test_pepper_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PEPPER_VARIABLE, f" {'ab' * 32}\n{'cd' * 32} ")
    assert load_peppers(None) == Peppers.parse(f"{'ab' * 32} {'cd' * 32}")


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_no_pepper_at_all_is_asked_for_before_a_new_one_is_made(
    monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.delenv(PEPPER_VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(PEPPER_VARIABLE, text)
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(None)
    assert str(caught.value) == (
        "there is no pepper: neither a pepper file nor E2XHUB_PEPPER is set; set the one that "
        "the hub has (hub.extraEnv, from its Secret). A new one makes every issued code void; only "
        "for a hub that has issued none: openssl rand -hex 32 > FILE && chmod 600 FILE"
    )


def test_peppers_do_not_show_themselves(file: Path) -> None:
    write(file, f"{'ab' * 32}\n{'cd' * 32}\n")
    shown = repr(load_peppers(file))
    assert "abab" not in shown
    assert "cdcd" not in shown
