"""Which browsers are taken for Safe Exam Browser."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from e2xhub.domain.catalog.safe_exam_browser import GeneratedSebFile, SafeExamBrowser
from e2xhub.domain.safe_exam_browser import (
    CONFIG_KEY_FIELD,
    CONFIG_KEY_HEADER,
    PAGE_URL_FIELD,
    REQUEST_HASH_FIELD,
    REQUEST_HASH_HEADER,
    SebHeaders,
    SebKeys,
    SebProof,
    SebVerdict,
    SebWay,
    accepted_keys,
    decide_request,
    decide_sign_in,
    is_from_safe_browser,
    parse_public_url,
    proof_by_headers,
    proof_by_script,
    rebuild_url,
)
from e2xhub.domain.seb_files import compute_config_key, make_seb_settings

HUB = "https://hub.example.org/"
LOGIN = "https://hub.example.org/hub/login"
CONFIG_KEY, OTHER_CONFIG_KEY, EXAM_KEY = "aa" * 32, "bb" * 32, "cc" * 32
CONFIG = SebKeys(config_keys=frozenset({CONFIG_KEY, OTHER_CONFIG_KEY}))
BOTH = SebKeys(config_keys=frozenset({CONFIG_KEY}), browser_exam_keys=frozenset({EXAM_KEY}))
ONLY_EXAM_KEY = SebKeys(browser_exam_keys=frozenset({EXAM_KEY}))
NOTHING_SHOWN = SebVerdict(
    reason="shows no key of Safe Exam Browser, neither in headers nor by script"
)


def shown(url: str, key: str) -> str:
    """What SEB shows of `key` for `url`."""
    return hashlib.sha256((url + key).encode()).hexdigest()


def headers_for(url: str, config_key: str = "", exam_key: str = "") -> dict[str, str]:
    headers = {}
    if config_key:
        headers[CONFIG_KEY_HEADER] = shown(url, config_key)
    if exam_key:
        headers[REQUEST_HASH_HEADER] = shown(url, exam_key)
    return headers


def by_headers(uri: str = "/hub/login", config_key: str = "", exam_key: str = "") -> SebProof:
    """The proof of a request for `uri` whose headers are right for the keys."""
    headers = headers_for(f"https://hub.example.org{uri}", config_key, exam_key)
    return proof_by_headers(HUB, uri, headers)


def by_script(page_url: str = LOGIN, config_key: str = "", exam_key: str = "") -> SebProof:
    fields = {PAGE_URL_FIELD: page_url} if config_key or exam_key else {}
    if config_key:
        fields[CONFIG_KEY_FIELD] = shown(page_url, config_key)
    if exam_key:
        fields[REQUEST_HASH_FIELD] = shown(page_url, exam_key)
    return proof_by_script(HUB, "/hub/login", fields)


def test_hash_is_of_the_url_and_then_the_key() -> None:
    # printf '%s' https://hub.example.org/hub/login aaaa… | sha256sum
    presented = SebHeaders(
        config_key_hash="e1d1846be1efd01b4f29d57b0739e48505eb997a8ed82090596275e6d70af297"
    )
    assert is_from_safe_browser(LOGIN, presented, CONFIG)


@pytest.mark.parametrize(
    ("keys", "config_key", "exam_key", "is_let_in"),
    [
        (CONFIG, CONFIG_KEY, "", True),
        (CONFIG, OTHER_CONFIG_KEY, "", True),
        (CONFIG, CONFIG_KEY, "dd" * 32, True),
        (CONFIG, EXAM_KEY, "", False),
        (CONFIG, "", CONFIG_KEY, False),
        (CONFIG, "", "", False),
        (BOTH, CONFIG_KEY, EXAM_KEY, True),
        (BOTH, CONFIG_KEY, "", False),
        (BOTH, "", EXAM_KEY, False),
        (BOTH, EXAM_KEY, CONFIG_KEY, False),
        (ONLY_EXAM_KEY, "", EXAM_KEY, True),
        (ONLY_EXAM_KEY, EXAM_KEY, "", False),
        (SebKeys(), CONFIG_KEY, EXAM_KEY, False),
        (SebKeys(), "", "", False),
    ],
)
def test_one_key_of_each_kind_that_is_configured_has_to_be_shown(
    keys: SebKeys, config_key: str, exam_key: str, is_let_in: bool
) -> None:
    proof = by_headers(config_key=config_key, exam_key=exam_key)
    assert is_from_safe_browser(LOGIN, proof.presented, keys) is is_let_in


def test_hash_for_another_page_is_refused() -> None:
    presented = SebHeaders(config_key_hash=shown(LOGIN + "?next=x", CONFIG_KEY))
    assert not is_from_safe_browser(LOGIN, presented, CONFIG)


def test_fragment_does_not_count() -> None:
    presented = SebHeaders(config_key_hash=shown(LOGIN, CONFIG_KEY))
    assert is_from_safe_browser(f"{LOGIN}#code", presented, CONFIG)


def test_hash_in_capital_letters_is_the_same_one() -> None:
    presented = SebHeaders(config_key_hash=shown(LOGIN, CONFIG_KEY).upper())
    assert is_from_safe_browser(LOGIN, presented, CONFIG)


def test_key_itself_is_no_hash() -> None:
    assert not is_from_safe_browser(LOGIN, SebHeaders(config_key_hash=CONFIG_KEY), CONFIG)


@given(text=st.text(), url=st.text())
@example(text="ä" * 64, url=LOGIN)
@example(text=shown(LOGIN, CONFIG_KEY) + "\n", url=LOGIN)
def test_any_other_text_is_refused(text: str, url: str) -> None:
    presented = SebHeaders(config_key_hash=text, request_hash=text)
    assert not is_from_safe_browser(url, presented, BOTH)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://hub.example.org", "https://hub.example.org/"),
        ("https://hub.example.org/", "https://hub.example.org/"),
        ("HTTPS://Hub.Example.ORG/Jupyter", "https://hub.example.org/Jupyter/"),
        ("https://hub.example.org:443/", "https://hub.example.org/"),
        ("http://hub.example.org:80", "http://hub.example.org/"),
        ("https://hub.example.org:8443/a/b/", "https://hub.example.org:8443/a/b/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x/"),
        ("https://prüfung.example.org", "https://xn--prfung-4ya.example.org/"),
    ],
)
def test_public_url_is_taken_as_browsers_write_it(text: str, url: str) -> None:
    assert parse_public_url(text) == url
    assert parse_public_url(url) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hub.example.org", "cannot be used (it has no scheme http or https, or no host)"),
        ("", "cannot be used (it has no scheme http or https, or no host)"),
        ("ftp://hub", "cannot be used (it has no scheme http or https, or no host)"),
        ("https:///hub", "cannot be used (it has no scheme http or https, or no host)"),
        ("https://a b/", "cannot be used (it has no scheme http or https, or no host)"),
        ("https://u:p@hub/", "cannot be used (it has a name or password in it)"),
        ("https://hub:port/", "cannot be used (Port could not be cast to integer value as 'port')"),
        ("https://hub/?a=b", "has a query, a fragment or a character that is not ASCII"),
        ("https://hub/#a", "has a query, a fragment or a character that is not ASCII"),
        ("https://hub/ä", "has a query, a fragment or a character that is not ASCII"),
    ],
)
def test_text_that_is_no_public_url_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        parse_public_url(text)
    assert str(caught.value) == (
        f"{text!r} {reason}; expected the address of the hub such as 'https://hub.example.org/'"
    )


@given(st.text())
def test_public_url_is_parsed_or_refused_whatever_it_is(text: str) -> None:
    try:
        url = parse_public_url(text)
    except ValueError:
        return
    assert parse_public_url(url) == url
    assert url.isascii()
    assert url.endswith("/")


@pytest.mark.parametrize(
    ("public_url", "uri", "url"),
    [
        (HUB, "/hub/login?next=%2Fhub%2F", "https://hub.example.org/hub/login?next=%2Fhub%2F"),
        ("https://hub.example.org/j/", "/j/hub/login", "https://hub.example.org/j/hub/login"),
        ("https://h:443", "/user/a/lab?", "https://h/user/a/lab?"),
        (HUB, "//evil.example.net/x", "https://hub.example.org//evil.example.net/x"),
        (HUB, "/a#b", "https://hub.example.org/a"),
        (HUB, "/%C3%A4/../x", "https://hub.example.org/%C3%A4/../x"),
    ],
)
def test_url_is_made_of_the_public_url_and_the_request(public_url: str, uri: str, url: str) -> None:
    assert rebuild_url(public_url, uri) == url


@pytest.mark.parametrize(
    "uri", ["", "hub/login", "https://evil.example.net/", "/a b", "/ä", "/a\n", "/\x00", "*", "@x"]
)
def test_request_that_is_none_of_a_browser_has_no_url(uri: str) -> None:
    assert rebuild_url(HUB, uri) is None


@given(uri=st.text() | st.from_regex(r"/[!-~]*", fullmatch=True))
def test_request_never_chooses_the_host(uri: str) -> None:
    url = rebuild_url("https://hub.example.org:8443/x/", uri)
    if url is not None:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "hub.example.org:8443")
        assert "#" not in url


def test_headers_of_a_request_are_its_proof() -> None:
    proof = proof_by_headers(HUB, "/hub/login", headers_for(LOGIN, CONFIG_KEY, EXAM_KEY))
    assert proof == SebProof(
        way=SebWay.HEADERS,
        url=LOGIN,
        presented=SebHeaders(
            config_key_hash=shown(LOGIN, CONFIG_KEY), request_hash=shown(LOGIN, EXAM_KEY)
        ),
    )


@pytest.mark.parametrize("page", [LOGIN, f"{LOGIN}?next=%2Fhub%2F", f"{LOGIN}?next=/hub/#top"])
def test_script_shows_the_keys_for_its_page(page: str) -> None:
    proof = by_script(page.partition("#")[0], CONFIG_KEY)
    assert decide_sign_in(CONFIG, by_headers(), proof) == SebVerdict(way=SebWay.SCRIPT)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example.net/hub/login",
        "https://hub.example.org.evil.example.net/hub/login",
        "http://hub.example.org/hub/login",
        "https://hub.example.org/hub/loginx",
        "https://hub.example.org/user/alice/hub/login",
        "https://hub.example.org/hub/login?ä",
        "https://hub.example.org/hub/login?a b",
    ],
)
def test_script_of_another_page_is_refused(page: str) -> None:
    verdict = decide_sign_in(CONFIG, by_headers(), by_script(page, CONFIG_KEY))
    assert verdict == SebVerdict(reason="shows keys by script for a page that is not the hub's")


def test_browser_that_shows_nothing_is_refused() -> None:
    assert decide_sign_in(CONFIG, by_headers(), by_script()) == NOTHING_SHOWN


def test_right_headers_are_enough() -> None:
    verdict = decide_sign_in(CONFIG, by_headers(config_key=CONFIG_KEY), by_script())
    assert verdict == SebVerdict(way=SebWay.HEADERS)


def test_wrong_headers_are_refused_though_the_script_is_right() -> None:
    wrong = by_headers("/hub/login?next=%2F", config_key=EXAM_KEY)
    verdict = decide_sign_in(CONFIG, wrong, by_script(config_key=CONFIG_KEY))
    assert verdict == SebVerdict(
        reason="shows keys by headers that are not the exam's for "
        "https://hub.example.org/hub/login; if they should be, compare this address (public_url) "
        "with the one in the browser"
    )


LAB = "/user/alice/lab"


@pytest.mark.parametrize(
    ("signed_in_by", "proof", "is_websocket", "is_let_in"),
    [
        (SebWay.HEADERS, by_headers(LAB, CONFIG_KEY), False, True),
        (SebWay.HEADERS, by_headers(LAB), False, False),
        (SebWay.HEADERS, by_headers(LAB), True, True),
        (SebWay.HEADERS, by_headers(LAB, EXAM_KEY), False, False),
        (SebWay.HEADERS, by_headers(LAB, EXAM_KEY), True, False),
        (SebWay.SCRIPT, by_headers(LAB), False, True),
        (SebWay.SCRIPT, by_headers(LAB, EXAM_KEY), False, False),
        (SebWay.SCRIPT, by_headers(LAB, CONFIG_KEY), False, True),
        (None, by_headers(LAB), False, False),
        (None, by_headers(LAB), True, False),
        (None, by_headers(LAB, CONFIG_KEY), False, True),
    ],
)
def test_later_request_shows_what_its_browser_can_show(
    signed_in_by: SebWay | None, proof: SebProof, is_websocket: bool, is_let_in: bool
) -> None:
    verdict = decide_request(CONFIG, signed_in_by, proof, is_websocket=is_websocket)
    assert (verdict.way is not None) is is_let_in
    assert bool(verdict.reason) is not is_let_in


def test_keys_of_a_rule_are_those_it_names_and_that_of_its_file() -> None:
    generated = GeneratedSebFile(salt="00ff" * 16)
    rule = SafeExamBrowser(
        config_keys=(CONFIG_KEY,), browser_exam_keys=(EXAM_KEY,), generated=generated
    )
    of_the_file = compute_config_key(make_seb_settings(generated, HUB))
    assert accepted_keys(rule, "https://HUB.example.org:443") == SebKeys(
        config_keys=frozenset({CONFIG_KEY, of_the_file}), browser_exam_keys=frozenset({EXAM_KEY})
    )


def test_file_of_another_hub_has_another_key() -> None:
    rule = SafeExamBrowser(generated=GeneratedSebFile(salt="00ff" * 16))
    assert accepted_keys(rule, HUB) != accepted_keys(rule, "https://hub.example.org/jupyter/")


def test_no_key_and_no_hash_is_in_what_python_shows() -> None:
    proof = by_headers(config_key=CONFIG_KEY, exam_key=EXAM_KEY)
    text = f"{BOTH!r} {proof!r} {decide_sign_in(CONFIG, by_headers(config_key=EXAM_KEY), proof)!r}"
    secret = [CONFIG_KEY, EXAM_KEY, proof.presented.config_key_hash, proof.presented.request_hash]
    assert not [word for word in secret if word in text]
