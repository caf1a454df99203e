"""One-time passwords: how they are written, read and hashed; they never show themselves."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.domain.passwords import (
    ALPHABET,
    OneTimePassword,
    Pepper,
    Peppers,
    hash_password,
    is_same_hash,
    join_unambiguously,
    make_salt,
)

PEPPER = Pepper(b"p" * 32)
CODE = OneTimePassword("ABCDEFGHJK")
NAMED: dict[str, Any] = {"exam": "ml", "username": "alice", "generation": 1}
codes = st.text(ALPHABET, min_size=10, max_size=10).map(OneTimePassword)


@pytest.mark.parametrize(
    "typed",
    ["ABCDE-FGHJK", "abcde-fghjk", "ABCDEFGHJK", " abc de fgh jk ", "A-B-C-D-E-F-G-H-J-K"],
)
def test_case_hyphens_and_spaces_do_not_matter(typed: str) -> None:
    assert OneTimePassword.parse(typed) == CODE


@pytest.mark.parametrize("typed", ["OIL00-00000", "oil00-00000", "01100-00000", "0ii00-00000"])
def test_letters_that_look_like_digits_are_digits(typed: str) -> None:
    assert OneTimePassword.parse(typed) == OneTimePassword("0110000000")


@pytest.mark.parametrize(
    "typed", ["", "ABCDE-FGHJ", "ABCDE-FGHJKM", "ABCDE-FGHJU", "ABCDE_FGHJK", "é" * 10, "-" * 65]
)
def test_what_is_no_code_is_none(typed: str) -> None:
    assert OneTimePassword.parse(typed) is None


@given(st.text(max_size=80) | st.text(string.printable + "ıſßﬁ", max_size=20))
def test_typed_text_is_a_code_of_the_alphabet_or_none(typed: str) -> None:
    password = OneTimePassword.parse(typed)
    if password is not None:
        assert len(password.code) == 10
        assert set(password.code) <= set(ALPHABET)


@given(codes, st.lists(st.tuples(st.integers(0, 10), st.sampled_from("- ")), max_size=20))
def test_code_is_read_however_it_is_grouped(
    password: OneTimePassword, groups: list[tuple[int, str]]
) -> None:
    typed = password.code.swapcase()
    for position, separator in groups:
        typed = typed[:position] + separator + typed[position:]
    assert OneTimePassword.parse(typed) == password


def test_made_passwords_differ_and_are_read_back_from_their_slip() -> None:
    made = {OneTimePassword.make() for _ in range(200)}
    assert len(made) == 200
    assert {OneTimePassword.parse(password.reveal()) for password in made} == made


def test_slip_shows_two_groups_of_five() -> None:
    assert CODE.reveal() == "ABCDE-FGHJK"


@pytest.mark.parametrize("shown", [str(CODE), repr(CODE), f"{CODE}", f"{[CODE]}"])
def test_password_does_not_show_itself(shown: str) -> None:
    assert "ABCDE" not in shown
    assert "OneTimePassword(**********)" in shown


@pytest.mark.parametrize("shown", [str(PEPPER), repr(PEPPER), f"{PEPPER}", f"{[PEPPER]}"])
def test_pepper_does_not_show_itself(shown: str) -> None:
    assert PEPPER.text not in shown
    assert "ppp" not in shown
    assert f"Pepper(key_id='{PEPPER.key_id}')" in shown


def test_pepper_is_read_back_from_its_text() -> None:
    pepper = Pepper.make()
    assert Pepper.parse(f"  {pepper.text}\n") == pepper
    assert pepper != Pepper.make()


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_text_that_is_no_pepper_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|bytes; expected at least 32"):
        Pepper.parse(text)


def test_key_id_is_not_the_key() -> None:
    assert len(PEPPER.key_id) == 16
    assert PEPPER.key_id not in PEPPER.text
    assert Pepper(b"q" * 32).key_id != PEPPER.key_id


def test_hash_is_the_same_for_the_same_code() -> None:
    salt = make_salt()
    one, other = (hash_password(CODE, pepper=PEPPER, salt=salt, **NAMED) for _ in range(2))
    assert is_same_hash(one, other)
    assert len(one) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"exam": "db"},
        {"username": "bob"},
        {"generation": 2},
        {"pepper": Pepper(b"q" * 32)},
        {"salt": b"1" * 16},
        {"exam": "mla", "username": "lice"},
        {"username": "alic", "exam": "mle"},
    ],
)
def test_hash_differs_where_anything_differs(change: dict[str, Any]) -> None:
    known = {"pepper": PEPPER, "salt": b"0" * 16, **NAMED}
    assert not is_same_hash(
        hash_password(CODE, **known), hash_password(CODE, **{**known, **change})
    )


@settings(max_examples=10)
@given(codes)
def test_no_code_matches_a_text_that_is_none(password: OneTimePassword) -> None:
    known: dict[str, Any] = {"pepper": PEPPER, "salt": b"0" * 16, **NAMED}
    assert not is_same_hash(hash_password(password, **known), hash_password(None, **known))


@given(codes, st.data())
def test_letters_that_look_alike_may_be_typed_for_each_other(
    password: OneTimePassword, data: st.DataObject
) -> None:
    alike = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.sampled_from(alike.get(letter, letter + letter.lower())))
        for letter in password.code
    )
    assert OneTimePassword.parse(typed) == password


@given(st.text(max_size=30))
def test_what_is_read_is_read_again_as_the_same(typed: str) -> None:
    password = OneTimePassword.parse(typed)
    if password is not None:
        assert OneTimePassword.parse(password.reveal()) == password
        assert OneTimePassword.parse(f" {typed} ") == password


def test_older_pepper_is_found_by_its_id_and_the_first_is_the_current() -> None:
    old = Pepper(b"q" * 32)
    peppers = Peppers.parse(f"{PEPPER.text}\n{old.text}\n")
    assert peppers == Peppers(PEPPER, (old,))
    assert [peppers.find(it.key_id) for it in (PEPPER, old)] == [PEPPER, old]
    assert peppers.find(Pepper(b"r" * 32).key_id) is None


def test_keys_of_two_purposes_tell_nothing_of_each_other() -> None:
    made = {PEPPER.derive("one"), PEPPER.derive("other"), PEPPER.key}
    assert len(made) == 3
    assert PEPPER.derive("one") != Pepper(b"q" * 32).derive("one")


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_texts_are_joined_so_that_no_others_give_the_same(one: list[str], other: list[str]) -> None:
    assert (join_unambiguously(one) == join_unambiguously(other)) is (one == other)
    assert (PEPPER.digest("x", *one) == PEPPER.digest("x", *other)) is (one == other)


def test_text_that_is_no_unicode_has_a_digest() -> None:
    assert PEPPER.digest("x", "\ud800") != PEPPER.digest("x", "\ud801")
