"""What is taken of a browser, and that a server keeps what it needs."""

from __future__ import annotations

from e2xhub.domain.sessions import digest_of
from e2xhub.web.hub_sessions import cut_tokens, cut_user
from tests.web.hub_users import HubUsers


def test_user_who_is_cut_keeps_the_servers_own_token_alone() -> None:
    users = HubUsers()
    alice, ben = users.add("alice"), users.add("ben")
    for user in (alice, ben):
        user.add_token("old")
        user.add_token(None)
        user.add_code(f"code of {user.name}")
    cookies = alice.cookie_id, ben.cookie_id
    cut_user(alice)
    assert alice.sessions == {None}
    assert ben.sessions == {"old", None, "code of ben"}
    assert (alice.cookie_id != cookies[0], ben.cookie_id) == (True, cookies[1])


def test_what_belongs_to_an_open_session_stays() -> None:
    alice = HubUsers().add("alice")
    for session_id in ("old", "new", None):
        alice.add_token(session_id)
    alice.add_code("on the way")
    cookie = alice.cookie_id
    cut_tokens(alice, {digest_of("new")}.__contains__)
    assert alice.sessions == {"new", None}
    assert alice.cookie_id == cookie
