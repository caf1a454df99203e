"""The hub's log does not have what would open something; the rest of a line stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.passwords import ALPHABET
from e2xhub.web.log_masks import SecretMask, mask, mask_secrets_in_log

SESSION = "372d9412ccfd037fa5616ee72ed779d4"


@pytest.fixture
def masked_loggers() -> Iterator[None]:
    """Loggers that are as they were afterwards."""
    mask_secrets_in_log()
    mask_secrets_in_log()
    yield
    for name in ("JupyterHub", "tornado.access", "tornado.application", "tornado.general"):
        logger = logging.getLogger(name)
        for known in [it for it in logger.filters if isinstance(it, SecretMask)]:
            logger.removeFilter(known)


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        (
            f"Setting new xsrf cookie for b'{SESSION}:{SESSION[::-1]}' {{'path': '/hub/'}}",
            "Setting new xsrf cookie for b'[secret]' {'path': '/hub/'}",
        ),
        (
            "Setting new xsrf cookie for b'chosen-by-somebody:abc=' {'path': '/hub/'}",
            "Setting new xsrf cookie for b'[secret]' {'path': '/hub/'}",
        ),
        (
            "200 GET /hub/login?username=pia&password=FR8C05JZMG&next=/ (@127.0.0.1) 2.55ms",
            "200 GET /hub/login?username=pia&password=[secret]&next=/ (@127.0.0.1) 2.55ms",
        ),
        ("GET /hub/login?room_code=123456", "GET /hub/login?room_code=[secret]"),
        ("302 GET /x -> /hub/FR8C0-5JZMG (pia@::1)", "302 GET /x -> /hub/[secret] (pia@::1)"),
        ("typed fr8c0-5jzmg", "typed [secret]"),
        (f"token {SESSION.upper()}", "token [secret]"),
    ],
)
def test_secret_is_masked(message: str, masked: str) -> None:
    assert mask(message) == masked


@pytest.mark.parametrize(
    "message",
    [
        f"pulled image sha256:{SESSION}{SESSION}",
        "pod jupyter-alice---3f2504e0 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "User logged in: anna-maria.huber",
        "User logged in: frank-peter",
        "alice at 10.1.0.5 is not signed in: typed a wrong code",
        "GET /hub/login?next=%2Fhub%2Fspawn (@10.1.0.5)",
        "NetworkPolicy exam/wide lets reach 10.3.4.5/32: 27010-65535/TCP, 10000-20000/UDP",
    ],
)
def test_other_lines_stay_as_they_are(message: str) -> None:
    assert mask(message) == message


@given(st.text(ALPHABET, min_size=10, max_size=10), st.booleans())
def test_no_code_is_left_in_an_address_or_as_on_a_slip(code: str, in_lower_case: bool) -> None:
    written = code.lower() if in_lower_case else code
    assert mask(f"GET /x?password={written}") == "GET /x?password=[secret]"
    if not (in_lower_case and code.isalpha()):
        assert mask(f"typed {written[:5]}-{written[5:]}.") == "typed [secret]."


@pytest.mark.parametrize("name", ["JupyterHub", "tornado.access", "tornado.general"])
def test_loggers_of_the_hub_are_masked(
    masked_loggers: None, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger(name).info("Setting new xsrf cookie for %r %r", SESSION.encode(), {"a": 1})
    assert caplog.messages == ["Setting new xsrf cookie for b'[secret]' {'a': 1}"]
    assert len([it for it in logging.getLogger(name).filters if isinstance(it, SecretMask)]) == 1
