"""Two people never share a home because a file system takes their names for one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.identifiers import Username
from e2xhub.domain.shared_directories import DirectoryNames, directory_key

_texts = st.text(st.sampled_from("aAbß\u017fsﬁfi.ÄäİK2²"), min_size=1, max_size=5)


def parse(text: str) -> Username | None:
    try:
        return Username.parse(text)
    except ValueError:
        return None


usernames = (_texts | st.text(max_size=6)).map(parse).filter(lambda name: name is not None)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("straße", "strasse"),
        ("alice", "alice."),
        ("alice..", "alice"),
        ("ﬁona", "fiona"),
        ("max2", "max²"),
        ("\u017fam", "sam"),
    ],
)
def test_name_that_a_file_system_could_take_for_another_is_refused(
    earlier: str, later: str
) -> None:
    names = DirectoryNames()
    names.check(earlier)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is asserted
        names.check(later)
    assert str(caught.value) == (
        f"username {later!r} would share a directory with {earlier!r} where file systems ignore "
        "case, composition or a dot at the end; expected only one of them"
    )


@pytest.mark.parametrize("later", ["alice", "alicea", ".alice", "älice", "alice-"])
def test_other_name_and_the_same_name_again_are_accepted(later: str) -> None:
    names = DirectoryNames()
    names.check("alice")
    names.check(later)


@given(name=usernames)
def test_key_is_the_same_for_everything_that_a_file_system_may_make_of_a_name(
    name: Username,
) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        made = unicodedata.normalize(form, name)
        assert directory_key(made.upper().lower() if made.isascii() else made) == directory_key(
            name
        )


@given(first=usernames, second=usernames)
def test_refused_are_exactly_different_names_with_one_key(
    first: Username, second: Username
) -> None:
    names = DirectoryNames()
    names.check(first)
    folded = [
        unicodedata.normalize("NFKC", name).casefold().rstrip(".") for name in (first, second)
    ]
    if first != second and folded[0] == folded[1]:
        with pytest.raises(ValueError, match="would share a directory"):
            names.check(second)
    else:
        names.check(second)
