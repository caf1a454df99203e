"""Who is in which browser session: learned, bounded, and nobody's where two people were seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e2xhub.web import browser_sessions
from e2xhub.web.browser_sessions import BrowserSessions

PEOPLE = st.sampled_from(["alice", "anna", "theo"])
SESSIONS = st.sampled_from(["one", "two", "three"])


def test_session_is_known_when_it_was_seen() -> None:
    sessions = BrowserSessions()
    assert sessions.find("one") is None
    sessions.learn("one", "alice")
    assert (sessions.find("one"), sessions.find("two"), sessions.find(None)) == (
        "alice",
        None,
        None,
    )


@given(st.lists(st.tuples(SESSIONS, PEOPLE), max_size=20))
def test_session_is_somebodys_only_while_one_person_was_seen_in_it(
    seen: list[tuple[str, str]],
) -> None:
    sessions = BrowserSessions()
    for session, person in seen:
        sessions.learn(session, person)
    for session in ("one", "two", "three"):
        people = {person for found, person in seen if found == session}
        expected = people.pop() if len(people) == 1 else None
        assert sessions.find(session) == expected
        assert sessions.is_shared(session) is (
            expected is None and any(session == s for s, _ in seen)
        )


def test_sessions_of_one_person_are_bounded_and_take_nobody_elses_place() -> None:
    sessions = BrowserSessions()
    sessions.learn("of anna", "anna")
    most = browser_sessions.MOST_OF_ONE_PERSON
    for number in range(most + 1):
        sessions.learn(f"{number}", "alice")
    assert sessions.find("0") is None
    assert [sessions.find(f"{number}") for number in (1, most)] == ["alice", "alice"]
    assert sessions.find("of anna") == "anna"


def test_person_cannot_make_a_shared_session_theirs_by_having_many() -> None:
    sessions = BrowserSessions()
    sessions.learn("planted", "alice")
    sessions.learn("planted", "anna")
    for number in range(browser_sessions.MOST_OF_ONE_PERSON * 2):
        sessions.learn(f"{number}", "alice")
    sessions.learn("planted", "alice")
    assert sessions.find("planted") is None


def test_shared_sessions_are_bounded() -> None:
    sessions = BrowserSessions()
    for number in range(browser_sessions.MOST_SHARED + 1):
        sessions.learn(f"{number}", "alice")
        sessions.learn(f"{number}", "anna")
    assert not sessions.is_shared("0")
    assert sessions.is_shared(f"{browser_sessions.MOST_SHARED}")
