"""A platform that is wrong, slow or hostile gets neither our token nor our time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from e2xhub.demo.api.certificates import make_server_identity
from e2xhub.imports.lti.members import read_lti_members
from e2xhub.imports.lti.platform import DEFAULT_LIMITS, Limits
from e2xhub.imports.lti.service import LtiPlatformError
from tests.imports.lti.local_platform import (
    ISSUER,
    MEMBERS_PATH,
    TOKEN_PATH,
    Answer,
    LocalPlatform,
    LtiTool,
    json_answer,
    make_key,
    member,
    running_platform,
    write_key,
    write_settings,
)


def error_of(settings: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(LtiPlatformError) as caught:
        list(read_lti_members(settings, limits))
    return str(caught.value)


def test_platform_that_is_not_there_is_named(settings: Path, platform: LocalPlatform) -> None:
    load = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump(load | {"token_url": "http://127.0.0.1:1/token"}))
    assert error_of(settings) == (
        f"{ISSUER}: http://127.0.0.1:1/token cannot be reached (ConnectionError)"
    )


@pytest.mark.parametrize("path", [TOKEN_PATH, MEMBERS_PATH])
def test_redirect_is_not_followed(
    settings: Path, platform: LocalPlatform, tool: LtiTool, path: str
) -> None:
    with running_platform(tool) as other:
        location = {"Location": other.url + path}
        platform.answers[path] = Answer(status=307, headers=location)
        assert error_of(settings) == (
            f"{ISSUER}: {platform.url}{path} redirects (status 307); enter the address it leads to"
        )
        assert other.asked == []


@pytest.mark.parametrize("path", [TOKEN_PATH, MEMBERS_PATH])
def test_answer_that_drips_ends_in_time(
    directory: Path, platform: LocalPlatform, path: str
) -> None:
    file = write_settings(directory, platform, timeout_seconds=1)
    platform.answers[path] = Answer(body=b"{" * 60, pause_seconds=0.05)
    assert error_of(file) == (f"{ISSUER}: {platform.url}{path} does not answer within 1 seconds")


@pytest.mark.parametrize("path", [TOKEN_PATH, MEMBERS_PATH])
def test_header_that_drips_ends_in_time(
    directory: Path, platform: LocalPlatform, path: str
) -> None:
    file = write_settings(directory, platform, timeout_seconds=1)
    platform.answers[path] = Answer(drips_headers=True)
    assert error_of(file) == (f"{ISSUER}: {platform.url}{path} does not answer within 1 seconds")


def test_answer_that_stops_ends_in_time(directory: Path, platform: LocalPlatform) -> None:
    file = write_settings(directory, platform, timeout_seconds=1)
    platform.answers[MEMBERS_PATH] = Answer(body=b"{}", pause_seconds=3)
    assert error_of(file).endswith("does not answer within 1 seconds")


@pytest.mark.parametrize("path", [TOKEN_PATH, MEMBERS_PATH])
def test_answer_that_is_too_large_is_refused(
    settings: Path, platform: LocalPlatform, path: str
) -> None:
    platform.answers[path] = Answer(body=b" " * (2**20 + 1))
    assert error_of(settings, Limits(answer_bytes=2**20)) == (
        f"{ISSUER}: {platform.url}{path} answers with more than 1 MiB"
    )


def test_answer_that_ends_too_early_is_refused(settings: Path, platform: LocalPlatform) -> None:
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    platform.answers[MEMBERS_PATH] = Answer(headers=headers, body=b"zz\r\n")
    assert error_of(settings) == (
        f"{ISSUER}: {platform.memberships_url} cannot be reached (ProtocolError)"
    )


def test_compressed_answer_is_refused(settings: Path, platform: LocalPlatform) -> None:
    platform.answers[MEMBERS_PATH] = Answer(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b")
    assert error_of(settings) == (
        f"{ISSUER}: {platform.memberships_url} answers compressed, which was not asked for"
    )


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (
            Answer(status=401),
            "refuses to list the members (status 401); is the service for names and roles switched "
            "on for this tool, and is this the course's address?",
        ),
        (Answer(status=500, body=b"oops"), "answers with status 500; expected 200"),
        (Answer(status=204), "answers with status 204; expected 200"),
        (
            Answer(headers={"Content-Type": "text/html"}, body=b"<p>Log in</p>"),
            "answers with text/html (status 200); "
            "expected application/vnd.ims.lti-nrps.v2.membershipcontainer+json",
        ),
        (
            Answer(body=b"{}"),
            "answers with no content type (status 200); "
            "expected application/vnd.ims.lti-nrps.v2.membershipcontainer+json",
        ),
        (
            Answer(headers={"Content-Type": "application/json"}, body=b'{"members": ['),
            "answers with broken JSON",
        ),
        (
            Answer(headers={"Content-Type": "application/json"}, body=b"[" * 100_000),
            "answers with broken JSON",
        ),
        (
            Answer(headers={"Content-Type": "application/json"}, body=b'"\xff"'),
            "answers with broken JSON",
        ),
        (json_answer([]), "answers with JSON that is no object"),
        (json_answer({}), "answers without a list 'members'; expected NRPS 2.0"),
        (json_answer({"members": {}}), "answers without a list 'members'; expected NRPS 2.0"),
    ],
)
def test_wrong_page_is_told_in_a_sentence(
    settings: Path, platform: LocalPlatform, answer: Answer, what: str
) -> None:
    platform.answers[MEMBERS_PATH] = answer
    assert error_of(settings) == f"{ISSUER}: {platform.memberships_url} {what}"


HINT = "; are client_id, key_id, audience and the public key as the platform has them?"
UNUSABLE = "gives no token that can be used; expected RFC 6749"


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"error": "invalid_scope"}, f"gives no token (status 200): invalid_scope{HINT}"),
        ({"error": ["?"]}, f"gives no token (status 200): no reason{HINT}"),
        ({}, UNUSABLE),
        ({"access_token": ""}, UNUSABLE),
        ({"access_token": "a\r\nX: b"}, UNUSABLE),
        ({"access_token": ["a"]}, UNUSABLE),
        ({"access_token": "a", "token_type": "mac"}, UNUSABLE),
        ({"access_token": "a", "token_type": 5}, UNUSABLE),
        ({"access_token": "a", "expires_in": "soon"}, UNUSABLE),
        ({"access_token": "a", "expires_in": -1}, UNUSABLE),
        ({"access_token": "a", "expires_in": [1]}, UNUSABLE),
        ([], "answers with JSON that is no object"),
    ],
)
def test_wrong_token_is_told_in_a_sentence(
    settings: Path, platform: LocalPlatform, value: Any, what: str
) -> None:
    platform.answers[TOKEN_PATH] = json_answer(value, media_type="application/json")
    assert error_of(settings) == f"{ISSUER}: {platform.token_url} {what}"


def test_token_that_may_expire_at_any_time_is_what_was_looked_at(
    settings: Path, platform: LocalPlatform
) -> None:
    token = {"access_token": "a", "expires_at": [1], "refresh_token": {}, "expires_in": "60"}
    platform.answers[TOKEN_PATH] = json_answer(token, media_type="application/json")
    assert "(status 401)" in error_of(settings)
    assert platform.asked == [TOKEN_PATH, TOKEN_PATH, MEMBERS_PATH]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "somebody"}, "wrong iss, wrong sub"),
        ({"audience": "https://elsewhere.example"}, "wrong aud"),
        ({"deployment_id": None}, "wrong deployment_id"),
        ({"key_id": "unknown"}, "the assertion is not signed by the tool (InvalidKeyIdError)"),
    ],
)
def test_refused_assertion_is_told_with_the_platforms_reason(
    directory: Path, platform: LocalPlatform, changes: dict[str, Any], reason: str
) -> None:
    file = write_settings(directory, platform, **changes)
    assert error_of(file) == (
        f"{ISSUER}: {platform.token_url} gives no token (status 400): "
        f"invalid_client: {reason}{HINT}"
    )


def test_assertion_of_another_key_is_refused(directory: Path, platform: LocalPlatform) -> None:
    write_key(directory / "other.pem", make_key())
    file = write_settings(directory, platform, private_key_file="other.pem")
    assert "not signed by the tool (BadSignatureError)" in error_of(file)


def test_secrets_in_a_refusal_are_not_shown(settings: Path, platform: LocalPlatform) -> None:
    assertion = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJlMnhodWIifQ.c2lnbmF0dXJl"
    refusal = {"error": "invalid_client", "error_description": f"bad\n{assertion} " + "why? " * 99}
    body = json.dumps(refusal).encode()
    headers = {"Content-Type": "application/json"}
    platform.answers[TOKEN_PATH] = Answer(status=401, headers=headers, body=body)
    error = error_of(settings)
    assert "(status 401): invalid_client: bad … why?" in error
    assert assertion[:20] not in error
    assert len(error) < 500
    assert error.isprintable()


def test_error_holds_no_token(settings: Path, platform: LocalPlatform) -> None:
    platform.answers[MEMBERS_PATH] = Answer(status=500)
    with pytest.raises(LtiPlatformError) as caught:
        list(read_lti_members(settings))
    assert platform.tokens
    assert not [token for token in platform.tokens if token in str(caught.value)]
    assert caught.value.__cause__ is None


@pytest.fixture(scope="module")
def encrypted_platform(tool: LtiTool, directory: Path) -> Iterator[LocalPlatform]:
    """A platform with a certificate of an authority that only `authority.pem` knows."""
    context, authority = make_server_identity("127.0.0.1")
    (directory / "authority.pem").write_text(authority)
    with running_platform(tool, tls=context) as platform:
        yield platform


def test_certificate_of_an_authority_in_the_settings_is_trusted(
    directory: Path, encrypted_platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    encrypted_platform.members = [member(1)]
    file = write_settings(directory, encrypted_platform, ca_file="authority.pem")
    assert [row.username for row in read_lti_members(file)] == ["student1"]


def test_certificate_of_an_unknown_authority_is_refused(
    directory: Path, encrypted_platform: LocalPlatform
) -> None:
    assert error_of(write_settings(directory, encrypted_platform)) == (
        f"{ISSUER}: {encrypted_platform.token_url} has no certificate that is trusted here; "
        "name its authority in 'ca_file'"
    )


few = hypothesis_settings(max_examples=25)  # each asks the platform
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def hostile_settings(
    tmp_path_factory: pytest.TempPathFactory, directory: Path, shared_platform: LocalPlatform
) -> Path:
    key_file = str(directory / "lti.pem")
    own_directory = tmp_path_factory.mktemp("hostile")
    return write_settings(own_directory, shared_platform, private_key_file=key_file)


@few
@given(token=JSON | st.dictionaries(st.sampled_from(["access_token", "token_type"]), JSON))
def test_any_token_is_an_error_of_ours_or_used(
    hostile_settings: Path, shared_platform: LocalPlatform, token: Any
) -> None:
    shared_platform.answers = {TOKEN_PATH: json_answer(token, media_type="application/json")}
    with pytest.raises(LtiPlatformError):
        list(read_lti_members(hostile_settings))


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


@few
@given(body=st.binary(max_size=60), media_type=HEADER_TEXT, link=HEADER_TEXT)
def test_any_bytes_are_an_error_of_ours_or_an_empty_course(
    hostile_settings: Path, shared_platform: LocalPlatform, body: bytes, media_type: str, link: str
) -> None:
    for headers in ({"Content-Type": media_type}, {"Content-Type": "application/json"}):
        answer = Answer(headers={**headers, "Link": f"<{link}>; rel=next"}, body=body)
        shared_platform.answers = {MEMBERS_PATH: answer}
        with pytest.raises(LtiPlatformError):
            list(read_lti_members(hostile_settings))
