"""Pages are followed to their end, and never to another origin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.imports.lti.members import read_lti_members
from e2xhub.imports.lti.platform import DEFAULT_LIMITS, Limits
from e2xhub.imports.lti.service import LtiPlatformError, find_next_links
from tests.imports.lti.local_platform import (
    ISSUER,
    MEMBERS_PATH,
    TOKEN_PATH,
    LocalPlatform,
    LtiTool,
    json_answer,
    member,
    running_platform,
)


def error_of(settings: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(LtiPlatformError) as caught:
        list(read_lti_members(settings, limits))
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://a/2>; rel="next"', ["https://a/2"]),
        ("<https://a/2>;REL=Next", ["https://a/2"]),
        ('<https://a/2>; rel="last next"', ["https://a/2"]),
        (
            '<https://a/1>; rel="current",<https://a/2>; rel="next", <https://a/9>; rel="last"',
            ["https://a/2"],
        ),
        ('<https://a/x,y;z>; title="a, b; c"; rel=next', ["https://a/x,y;z"]),
        ('<https://a/1>; rel="differences"', []),
        ('<https://a/1>; rel="first"; rel="next"', []),
        ('<https://a/1>; title="<https://evil/>; rel=next"; rel="prev"', []),
        ('<https://a/1>; title="=; rel=next"', []),
        ("https://a/2; rel=next", []),
        ("<https://a/1>", []),
        ("", []),
    ],
)
def test_next_page_is_found_in_any_spelling(header: str, links: list[str]) -> None:
    assert find_next_links(header) == links


@given(st.text("<>;,=\"\\ \trelnxt'", max_size=200))
def test_any_header_has_links_or_none(header: str) -> None:
    assert all("<" + link + ">" in header for link in find_next_links(header))


@pytest.mark.parametrize("header", ["<" * 65_000, '<>"' * 20_000, "<>;" + " ;" * 30_000])
def test_long_header_takes_no_time(header: str) -> None:
    assert find_next_links(header) == []


def test_next_page_may_be_in_a_header_of_its_own(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [member(7)]
    links = [f'<{MEMBERS_PATH}>; rel="first"', f'<{MEMBERS_PATH}?from=0>; rel="next"']
    platform.answers[MEMBERS_PATH] = json_answer({"members": [member(1)]}, Link=links)
    assert [row.username for row in read_lti_members(settings)] == ["student1", "student7"]


def test_next_page_may_be_relative(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [member(7)]
    link = {"Link": f'<{MEMBERS_PATH}?from=0#all>; rel="next"'}
    platform.answers[MEMBERS_PATH] = json_answer({"members": [member(1)]}, **link)
    assert [row.username for row in read_lti_members(settings)] == ["student1", "student7"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/members",
        "http://localhost:1/members",
        "http://127.0.0.2/members",
        "//127.0.0.1:1/members",
    ],
)
def test_token_does_not_go_to_another_origin(
    settings: Path, platform: LocalPlatform, target: str
) -> None:
    answer = json_answer({"members": []}, Link=f'<{target}>; rel="next"')
    platform.answers[MEMBERS_PATH] = answer
    assert error_of(settings).startswith(
        f"{ISSUER}: {platform.memberships_url} names a next page at another origin, "
    )


def test_token_does_not_go_to_another_port(
    settings: Path, platform: LocalPlatform, tool: LtiTool
) -> None:
    with running_platform(tool) as other:
        link = f'<{other.memberships_url}>; rel="next"'
        platform.answers[MEMBERS_PATH] = json_answer({"members": []}, Link=link)
        assert error_of(settings) == (
            f"{ISSUER}: {platform.memberships_url} names a next page at another origin, "
            f"{other.url}; the token is not sent there"
        )
        assert other.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/members",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:port/",
        "http://[::1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1\\@evil.example/",
    ],
)
def test_next_page_with_an_unusable_address_is_refused(
    settings: Path, platform: LocalPlatform, target: str
) -> None:
    answer = json_answer({"members": []}, Link=f'<{target}>; rel="next"')
    platform.answers[MEMBERS_PATH] = answer
    assert error_of(settings) == (
        f"{ISSUER}: {platform.memberships_url} names a next page with an unusable URL"
    )


def test_two_different_next_pages_are_refused(settings: Path, platform: LocalPlatform) -> None:
    link = "<?from=1>; rel=next, <?from=2>; rel=next"
    platform.answers[MEMBERS_PATH] = json_answer({"members": []}, Link=link)
    assert error_of(settings) == (
        f"{ISSUER}: {platform.memberships_url} names several next pages; expected one"
    )


def test_pages_that_lead_back_are_refused(settings: Path, platform: LocalPlatform) -> None:
    there, back = f"{MEMBERS_PATH}?page=2", MEMBERS_PATH
    platform.answers[MEMBERS_PATH] = json_answer({"members": []}, Link=f"<{there}>; rel=next")
    platform.answers[there] = json_answer({"members": []}, Link=f"<{back}>; rel=next")
    assert error_of(settings) == (
        f"{ISSUER}: {platform.memberships_url} names a page again that was read already; "
        "nothing is taken"
    )
    assert platform.asked == [TOKEN_PATH, MEMBERS_PATH, there]


def test_pages_without_an_end_are_refused(settings: Path, platform: LocalPlatform) -> None:
    platform.members, platform.page_size = [member(number) for number in range(9)], 1
    assert error_of(settings, Limits(pages=5)) == (
        f"{ISSUER}: {platform.memberships_url} has more than 5 pages; nothing is taken"
    )
    assert len(platform.asked) == 6
