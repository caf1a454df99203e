"""The file for Safe Exam Browser, and its config key as SEB's documentation defines it."""

from __future__ import annotations

import hashlib
import plistlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from e2xhub.domain.catalog.safe_exam_browser import GeneratedSebFile
from e2xhub.domain.seb_files import compute_config_key, make_seb_file, make_seb_settings

HUB = "https://hub.example.org/jupyter/"
SALT = "00ff" * 16


def key_of(seb_json: str) -> str:
    """The config key of settings whose SEB-JSON is known."""
    return hashlib.sha256(seb_json.encode()).hexdigest()


def generated(**written: Any) -> GeneratedSebFile:
    return GeneratedSebFile.model_validate({"salt": SALT, **written})


# Each line states a rule of https://safeexambrowser.org/developer/seb-config-key.html
@pytest.mark.parametrize(
    ("settings", "seb_json"),
    [
        ({}, "{}"),
        ({"b": True, "a": False}, '{"a":false,"b":true}'),
        ({"aQuit": 1, "aediOS": 2, "aWlan": 3}, '{"aediOS":2,"aQuit":1,"aWlan":3}'),
        ({"URLRules": [], "urlRegex": True}, '{"urlRegex":true,"URLRules":[]}'),
        ({"allowWLAN": 1, "allowWlan": 2}, '{"allowWlan":2,"allowWLAN":1}'),
        ({"F2": 2, "F10": 10, "F1": 1}, '{"F1":1,"F10":10,"F2":2}'),
        ({"originatorVersion": "SEB_OSX_3.5", "a": 1}, '{"a":1}'),
        ({"empty": {}, "a": {"b": {}, "c": -3}}, '{"a":{"c":-3}}'),
        ({"list": [{"b": "", "a": []}, 7]}, '{"list":[{"a":[],"b":""},7]}'),
        ({"socket": r"ws:\localhost:8706/"}, r'{"socket":"ws:\localhost:8706/"}'),
        ({"text": "Prüfung"}, '{"text":"Prüfung"}'),
        ({"data": b"\x00\xff"}, '{"data":"AP8="}'),
        ({"at": datetime(2027, 2, 15, 8)}, '{"at":"2027-02-15T08:00:00+00:00"}'),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_config_key_is_the_hash_of_the_settings_as_seb_json(settings: Any, seb_json: str) -> None:
    assert compute_config_key(settings) == key_of(seb_json)


def test_config_key_of_a_small_file_is_known() -> None:
    settings = {"startURL": "https://hub.example.org/", "allowQuit": True}
    # printf '%s' '{"allowQuit":true,"startURL":"https://hub.example.org/"}' | sha256sum
    assert compute_config_key(settings) == (
        "df8ba08c1ba06981b96f9de773f6d6f094d0b01d07625bd483d9f4333074e36a"
    )


def test_moment_in_another_time_zone_is_hashed_in_utc() -> None:
    at = datetime(2027, 2, 15, 9, tzinfo=timezone(timedelta(hours=1)))
    assert compute_config_key({"at": at}) == key_of('{"at":"2027-02-15T08:00:00+00:00"}')


@pytest.mark.parametrize("value", [None, 1.5, {1}])
def test_config_key_of_an_undefined_type_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match=f"^SEB-JSON has no {type(value).__name__}$"):
        compute_config_key({"x": value})


def test_settings_of_an_exam_open_the_hub_and_nothing_else() -> None:
    assert make_seb_settings(generated(), HUB) == {
        "sebConfigPurpose": 0,
        "startURL": "https://hub.example.org/jupyter/hub/login",
        "quitURL": "https://hub.example.org/jupyter/hub/logout",
        "sendBrowserExamKey": True,
        "browserWindowWebView": 3,
        "examKeySalt": bytes.fromhex(SALT),
        "browserWindowAllowReload": True,
        "allowSpellCheck": False,
        "URLFilterEnable": True,
        "URLFilterEnableContentFilter": False,
        "URLFilterRules": [
            {
                "active": True,
                "regex": False,
                "action": 1,
                "expression": "https://hub.example.org/jupyter/*",
            }
        ],
    }


def test_settings_of_an_exam_say_what_the_catalog_says() -> None:
    settings = make_seb_settings(
        generated(
            quit_url="https://exams.example.org/bye",
            quit_password_hash="ab" * 32,
            allow_reload=False,
            spell_check=True,
            allowed_urls=["docs.python.org/3/*"],
            settings={"allowWlan": True},
        ),
        HUB,
    )
    assert settings["quitURL"] == "https://exams.example.org/bye"
    assert settings["hashedQuitPassword"] == "ab" * 32
    assert (settings["browserWindowAllowReload"], settings["allowSpellCheck"]) == (False, True)
    assert settings["allowWlan"] is True
    assert [rule["expression"] for rule in settings["URLFilterRules"]] == [
        "https://hub.example.org/jupyter/*",
        "docs.python.org/3/*",
        "https://exams.example.org/bye",
    ]


@pytest.mark.parametrize("name", make_seb_settings(generated(quit_password_hash="ab" * 32), HUB))
def test_setting_that_the_hub_makes_cannot_be_overridden(name: str) -> None:
    with pytest.raises(ValidationError):
        generated(settings={name: True})


def test_two_salts_have_two_config_keys() -> None:
    keys = {
        compute_config_key(make_seb_settings(generated(salt=salt), HUB))
        for salt in (SALT, "00fe" * 16)
    }
    assert len(keys) == 2


def test_file_is_a_property_list_in_xml() -> None:
    text = make_seb_file({"a": "<&>", "d": b"\x01"}).decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC')
    assert "<string>&lt;&amp;&gt;</string>" in text


_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
_VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(settings=st.dictionaries(_NAMES, _VALUES, max_size=5), order=st.randoms())
def test_what_a_catalog_takes_has_one_key_before_and_after_the_file(
    settings: dict[str, Any], order: Any
) -> None:
    try:
        made = make_seb_settings(generated(settings=settings), HUB)
    except ValidationError:
        return
    shuffled = sorted(made.items(), key=lambda _: order.random())
    read = plistlib.loads(make_seb_file(dict(shuffled)))
    assert compute_config_key(read) == compute_config_key(made)
