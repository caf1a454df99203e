"""Settings of a learning platform and our key are checked before anybody is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import RSAKey

from e2xhub.errors import ConfigurationError, FaultsFoundError
from e2xhub.imports.lti.platform import load_platform, load_private_key
from tests.imports.lti.local_platform import (
    LocalPlatform,
    as_pem,
    make_key,
    make_tool,
    write_key,
    write_settings,
)

KEY = make_key()
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "import-from-lti.md"


@pytest.fixture
def platform(tmp_path: Path) -> LocalPlatform:
    """A platform that is not asked, and our key."""
    return LocalPlatform("https://moodle.example.edu", make_tool(tmp_path))


def faults_of(file: Path) -> list[str]:
    with pytest.raises(FaultsFoundError) as caught:
        load_platform(file)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"colour": "red"},
            "unknown key 'colour'; expected one of: audience, ca_file, client_id, ",
        ),
        ({"key_id": None}, "the key 'key_id' is missing"),
        ({"client_id": 10000000000001}, "client_id: 10000000000001 is no text; put it into quotes"),
        (
            {"token_url": "http://moodle.example.edu/token"},
            "token_url: 'http://moodle.example.edu/token' is not encrypted; expected 'https://…'",
        ),
        (
            {"memberships_url": "moodle"},
            "memberships_url: 'moodle' is no URL; expected one such as",
        ),
        (
            {"memberships_url": "https://me:secret@moodle.example.edu/"},
            "memberships_url: expected a URL with a host, without a name or password",
        ),
        (
            {"username_from": "name"},
            "username_from: 'name' is not known; expected one of: ext_user",
        ),
        (
            {"username_from": "email-local-part"},
            "'username_from: email-local-part' and 'email_domain' belong together; "
            "expected both or neither",
        ),
        (
            {"email_domain": "example.edu"},
            "'username_from: email-local-part' and 'email_domain' belong together; "
            "expected both or neither",
        ),
        ({"timeout_seconds": 0}, "timeout_seconds: 0"),
    ],
)
def test_wrong_setting_is_a_fault_with_its_line(
    tmp_path: Path, platform: LocalPlatform, changes: dict[str, Any], message: str
) -> None:
    file = write_settings(tmp_path, platform, **changes)
    lines = file.read_text().splitlines()
    key = next(iter(changes))
    found = [number for number, line in enumerate(lines, 1) if line.startswith(key)]
    is_of_all = "together" in message or "missing" in message
    [fault] = faults_of(file)
    assert fault.startswith(f"{file}:{1 if is_of_all else found[0]}: {message}")
    assert "secret" not in fault


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: 1\na: 2"])
def test_file_that_is_no_mapping_is_a_fault(tmp_path: Path, text: str) -> None:
    file = tmp_path / "moodle.yaml"
    file.write_text(text)
    with pytest.raises(FaultsFoundError, match=r"moodle\.yaml:"):
        load_platform(file)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o620])
def test_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    key_file = tmp_path / "lti.pem"
    key_file.write_bytes(KEY)
    key_file.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(key_file)
    assert str(caught.value) == (
        f"{key_file}: others may read or change the private key; take that right away with: "
        "chmod g-w,o= FILE (in a Secret's volume: defaultMode: 0440)"
    )


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_key_that_only_we_read_is_taken(tmp_path: Path, mode: int) -> None:
    key_file = tmp_path / "lti.pem"
    key_file.write_bytes(KEY)
    key_file.chmod(mode)
    assert load_private_key(key_file) == KEY


LOCKED_KEY = as_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), b"hush")
EC_KEY = as_pem(ec.generate_private_key(ec.SECP256R1()))
SHORT_KEY = as_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "this is no private key; expected an RSA key in PEM, without a password"),
        (b"\xff\x00", "this is no private key; expected an RSA key in PEM, without a password"),
        (LOCKED_KEY, "this is no private key; expected an RSA key in PEM, without a password"),
        (EC_KEY, "this key is not of the kind RSA, which RS256 needs"),
        (SHORT_KEY, "the key has 1024 bits; expected 2048 or more"),
    ],
)
def test_key_that_cannot_sign_is_refused(tmp_path: Path, pem: bytes, message: str) -> None:
    key_file = tmp_path / "faulty.pem"
    write_key(key_file, pem)
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(key_file)
    assert str(caught.value) == f"{key_file}: {message}"


def test_missing_key_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    key_file = tmp_path / "nowhere.pem"
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(key_file)
    assert str(caught.value) == (
        f"{key_file}: the private key cannot be read: No such file or directory; "
        "make one with: openssl genrsa -out FILE 3072 && chmod 600 FILE"
    )


def test_missing_file_of_authorities_is_a_fault(tmp_path: Path, platform: LocalPlatform) -> None:
    file = write_settings(tmp_path, platform, ca_file="nowhere.pem")
    assert faults_of(file) == [
        f"{file}:1: ca_file: {tmp_path}/nowhere.pem is no file; expected certificates in PEM"
    ]


def test_paths_begin_where_the_file_is(tmp_path: Path, platform: LocalPlatform) -> None:
    (tmp_path / "authority.pem").touch()
    found = load_platform(write_settings(tmp_path, platform, ca_file="authority.pem"))
    assert found.private_key_file == tmp_path / "lti.pem"
    assert found.ca_file == tmp_path / "authority.pem"


def code_blocks(language: str) -> list[str]:
    blocks = HOW_TO.read_text(encoding="utf-8").split("```")[1::2]
    return [block.removeprefix(language) for block in blocks if block.startswith(language + "\n")]


def test_settings_in_the_how_to_are_valid_and_none_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "lti.yaml"
    [text] = code_blocks("yaml")
    file.write_text(text)
    platform = load_platform(file)
    page = HOW_TO.read_text(encoding="utf-8")
    assert platform.username_from == "lis_person_sourcedid"
    assert [name for name in type(platform).model_fields if f"`{name}`" not in page] == []


def test_commands_in_the_how_to_make_a_key_and_what_the_platform_wants(tmp_path: Path) -> None:
    [commands] = code_blocks("sh")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    made = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    public = json.loads(made.stdout)
    assert public["kid"] == "e2xhub-2026"
    assert "d" not in public
    assert (tmp_path / "lti.pem").stat().st_mode & 0o777 == 0o600
    assert (
        RSAKey.import_key((tmp_path / "lti.pem").read_bytes()).as_dict(private=False)["n"]
        == (public["n"])
    )
