"""What a catalog may demand of Safe Exam Browser, and that no refusal repeats a key."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from e2xhub.domain.catalog import Exam
from e2xhub.domain.catalog.safe_exam_browser import GeneratedSebFile, SafeExamBrowser

KEY = "a1b2c3d4" * 8
SALT = "0f" * 32
NOT_PLAIN = "has a quotation mark, a character that cannot be shown, or white space around it"
OWN = "has a key of its own"
DECIDED = "is set by the hub, which could not recognise SEB otherwise; remove it"


def fault_of(written: Any) -> tuple[tuple[int | str, ...], str]:
    """Place and message of the only fault in `written`."""
    with pytest.raises(ValidationError) as caught:
        SafeExamBrowser.model_validate(written)
    (fault,) = caught.value.errors()
    return fault["loc"], str(fault["msg"]).removeprefix("Value error, ")


def settings_fault(settings: Any) -> str:
    place, message = fault_of({"generated": {"salt": SALT, "settings": settings}})
    assert place == ("generated", "settings")
    return message


def test_exam_demands_no_safe_exam_browser_where_it_does_not_say_so() -> None:
    assert Exam.model_fields["safe_exam_browser"].default is None


@pytest.mark.parametrize(
    "written",
    [
        {"config_keys": [KEY]},
        {"browser_exam_keys": [KEY]},
        {"generated": {"salt": SALT}},
        {"config_keys": [KEY], "browser_exam_keys": [KEY], "generated": {"salt": SALT}},
    ],
)
def test_one_kind_of_key_is_enough(written: Any) -> None:
    assert SafeExamBrowser.model_validate(written)


@pytest.mark.parametrize("written", [{}, {"config_keys": []}, {"generated": None}])
def test_rule_that_would_admit_nobody_is_a_fault(written: Any) -> None:
    assert fault_of(written) == (
        (),
        "no key is named, so nobody would be admitted; "
        "expected 'generated', 'config_keys' or 'browser_exam_keys'",
    )


def test_key_is_taken_in_capital_letters_too() -> None:
    assert SafeExamBrowser(config_keys=(KEY.upper(),)).config_keys == (KEY,)


@pytest.mark.parametrize("key", ["", KEY[1:], KEY + "0", KEY[1:] + "g", f"{KEY[1:]}\n", "ä" * 64])
def test_text_that_is_no_key_is_refused_without_its_digits(key: str) -> None:
    place, message = fault_of({"config_keys": [KEY, key]})
    assert place == ("config_keys", 1)
    assert message == (
        f"this is no key ({len(key)} characters); "
        "expected 64 digits 0-9 a-f, as Safe Exam Browser and sha256sum show them"
    )


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        (
            {"browser_exam_keys": [int("1" * 64)]},
            ("browser_exam_keys", 0),
            "this is no text; expected 64 digits 0-9 a-f, in quotes",
        ),
        (
            {"config_keys": KEY},
            ("config_keys",),
            "this is one text; expected a list, with each key in quotes",
        ),
        (KEY, (), "this is no mapping; expected keys such as 'generated:' and 'salt:'"),
        (
            {"generated": SALT},
            ("generated",),
            "this is no mapping; expected keys such as 'generated:' and 'salt:'",
        ),
        (
            {"generated": {"salt": int("1" * 64)}},
            ("generated", "salt"),
            "this is no text; expected 64 digits 0-9 a-f, in quotes",
        ),
    ],
)
def test_key_in_the_wrong_place_is_refused_without_its_digits(
    written: Any, place: tuple[int | str, ...], message: str
) -> None:
    assert fault_of(written) == (place, message)


def test_generated_file_needs_a_salt() -> None:
    with pytest.raises(ValidationError, match=r"salt\n  Field required"):
        SafeExamBrowser.model_validate({"generated": {}})


def test_no_key_is_in_what_python_shows_of_a_rule() -> None:
    rule = SafeExamBrowser(
        config_keys=(KEY,),
        browser_exam_keys=(KEY,),
        generated=GeneratedSebFile(
            salt=KEY, quit_password_hash=KEY, settings={"hashedAdminPassword": KEY}
        ),
    )
    assert KEY not in f"{rule!r} {rule}"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"allowWlan": True, "taskBarHeight": 40, "restartExamText": "Zurück \\ <&>'"},
        {"permittedProcesses": [{"active": True, "arguments": []}]},
        {"proxies": {"HTTPPort": -(2**31), "FTPPort": 2**31 - 1}},
    ],
)
def test_setting_that_every_browser_hashes_alike_is_taken(settings: Any) -> None:
    taken = GeneratedSebFile.model_validate({"salt": SALT, "settings": settings})
    assert taken.settings == settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"startURL": "https://x"}, f"'startURL' {DECIDED}"),
        ({"STARTurl": "https://x"}, f"'STARTurl' {DECIDED}"),
        ({"sendBrowserExamKey": False}, f"'sendBrowserExamKey' {DECIDED}"),
        ({"originatorVersion": "x"}, f"'originatorVersion' {DECIDED}"),
        ({"allowSpellCheck": 1}, f"'allowSpellCheck' {OWN}: 'spell_check', beside 'settings'"),
        ({"examKeySalt": "x"}, f"'examKeySalt' {OWN}: 'salt', beside 'settings'"),
        ({"a b": 1}, "'a b' is no name of a setting; expected letters and digits"),
        ({"allowWLAN": True, "allowWlan": True}, "allowWlan differs from 'allowWLAN' in case only"),
        ({"x": {"a": 1, "A": 2}}, "x.A differs from 'a' in case only"),
        ({"x": {}}, "x is empty"),
        ({"x": [{}]}, "x.0 is empty"),
        ({"x": ["a", ""]}, "x.1 is an empty text"),
        ({"x": 'say "hi"'}, f"x {NOT_PLAIN}"),
        ({"x": "two\nlines"}, f"x {NOT_PLAIN}"),
        ({"x": " a"}, f"x {NOT_PLAIN}"),
    ],
)  # fmt: skip
def test_setting_that_browsers_would_hash_in_two_ways_is_a_fault(
    settings: Any, message: str
) -> None:
    assert settings_fault(settings) == message


@pytest.mark.parametrize("value", [None, 1.5, 2**31, -(2**31) - 1, b"x", {1, 2}])
def test_setting_of_another_type_is_a_fault(value: Any) -> None:
    assert settings_fault({"x": [value]}) == (
        "x.0 is none of true, false, a whole number, a text, a list and a mapping"
    )


def test_every_fault_of_the_settings_is_told_at_once() -> None:
    assert settings_fault({"startURL": "x", "y": None}).count(";") == 2


@pytest.mark.parametrize("address", ["docs.python.org/3/*", "https://docs.python.org", "*", ".a.b"])
def test_address_of_the_filter_is_taken(address: str) -> None:
    assert GeneratedSebFile(salt=SALT, allowed_urls=(address,)).allowed_urls == (address,)


@pytest.mark.parametrize("address", ["", "a b", 'a"b', "ä.org", "/only/a/path", "a\n"])
def test_address_that_the_filter_cannot_read_is_refused(address: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GeneratedSebFile(salt=SALT, allowed_urls=(address,))
    (fault,) = caught.value.errors()
    assert fault["msg"] == (
        f"Value error, {address!r} is no address of SEB's filter; expected a host, with a path if "
        "need be, such as 'docs.python.org/3/*'"
    )


@pytest.mark.parametrize("url", ["goodbye", "javascript:x()", "https://", "https://a b", "ftp://x"])
def test_quit_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GeneratedSebFile(salt=SALT, quit_url=url)
    (fault,) = caught.value.errors()
    assert fault["msg"] == (
        f"Value error, {url!r} is no address; expected one such as 'https://exams.example.org'"
    )
