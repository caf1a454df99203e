"""nginx in front of an assignment hub: nobody's browser opens a page of somebody else's server."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from tests.hub.configured_hub import OwnHub
from tests.hub.course_hub import CourseHub, run_course_hub
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.reverse_proxy import run_nginx
from tests.hub.single_hub import PASSWORD, run_hub

pytestmark = pytest.mark.hub

HUB_PORT = 2  # after that of the proxy
PEOPLE = ("anna", "theo", "root")
ADMIN = """
c.JupyterHub.load_roles = [{"name": "support", "scopes": ["access:servers"], "users": ["root"]}]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnHub]:
    """An assignment hub; one of its people may enter all servers."""
    directory = tmp_path_factory.mktemp("forward-auth-of-courses")
    own = await OwnHub.plan_in(directory, demo, usernames=PEOPLE, lines=ADMIN)
    own.enrol("theo databases")
    async with run_hub(own.plan):
        yield own


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(hub: OwnHub, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where nginx answers for it."""
    proxy, behind = (f"http://127.0.0.1:{hub.plan.port + more}" for more in (0, HUB_PORT))
    with run_nginx(tmp_path_factory.mktemp("nginx"), proxy=proxy, hub=behind) as url:
        yield url


def sign_in(front: str, username: str) -> HubSession:
    session = HubSession(front)
    session.sign_in(username, PASSWORD)
    assert session.is_signed_in
    return session


def status(session: HubSession, owner: str) -> int:
    return session.call_api("GET", f"/user/{owner}/api/contents").status


NOT_RUNNING = 424  # which the hub says, so that the request has got there


@pytest.mark.parametrize(
    ("username", "owner", "expected"),
    [
        ("theo", "theo", NOT_RUNNING),
        ("anna", "theo", 403),
        ("anna", "nobody", 403),
        ("theo", "anna", 403),
        ("root", "theo", NOT_RUNNING),
    ],
)
def test_server_is_reached_by_whom_jupyterhub_lets_into_it(
    front: str, username: str, owner: str, expected: int
) -> None:
    assert status(sign_in(front, username), owner) == expected


def test_who_is_not_signed_in_is_led_to_sign_in(front: str) -> None:
    nobody = HubSession(front)
    assert status(nobody, "theo") == 401
    assert nobody.get("/user/theo/lab").url.startswith(f"{front}/hub/login")


def sign_in_on(page: Answer, session: HubSession, username: str) -> Answer:
    """Fills in the form of a sign-in page that somebody was led to."""
    found = re.search('action="([^"]+)"', page.text)
    assert found
    xsrf = session.xsrf_token("/hub/login")
    fields = {"username": username, "password": PASSWORD, "_xsrf": xsrf}
    return session.post_form(html.unescape(found[1]), fields)


@pytest.mark.parametrize(
    "link", ["/user/theo/lab", "/user/theo/lab/tree/week-1/a_b.ipynb?factory=Notebook,x"]
)
def test_sign_in_leads_on_to_where_the_person_wanted_to_go(front: str, link: str) -> None:
    theo = HubSession(front)
    answer = sign_in_on(theo.get(link), theo, "theo")
    assert answer.url == front + link.replace("/user/", "/hub/user/")  # it does not run


@pytest.mark.parametrize(
    "link",
    [
        "/user/theo/lab?x=1&next=//evil.example.org/",
        "/user/theo/lab?x=1;next=//evil.example.org/",
        "/user/theo/lab?%26next=//evil.example.org/",
        "/user/theo/%0d%0aLocation:%20//evil.example.org/",
        "/user/theo/lab?x=a+b",
    ],
)
def test_link_that_nginx_could_not_escape_is_not_given_to_the_sign_in_page(
    front: str, link: str
) -> None:
    page = HubSession(front).get(link)
    assert page.url in (f"{front}/hub/login", f"{front}{link}")
    assert "evil" not in page.text


def test_token_of_the_owner_learns_no_session(front: str) -> None:
    theo = sign_in(front, "theo")
    client = theo.make_api_client()
    client.set_cookie("jupyterhub-session-id", "f" * 32)
    assert client.get_with("/hub/api/user", {}).status == 200
    stranger = HubSession(front)
    stranger.set_cookie("jupyterhub-session-id", "f" * 32)
    assert status(stranger, "theo") == 401


def test_session_planted_in_another_browser_opens_nothing_any_more(front: str) -> None:
    theo, anna = sign_in(front, "theo"), HubSession(front)
    found = re.search("jupyterhub-session-id=([0-9a-f]{32})", theo.cookie_header("/"))
    assert found
    anna.set_cookie("jupyterhub-session-id", found.group(1))
    anna.sign_in("anna", PASSWORD)
    assert anna.is_signed_in
    assert (status(theo, "theo"), status(anna, "theo")) == (403, 403)
    theo.get("/hub/logout")
    assert status(sign_in(front, "theo"), "theo") == NOT_RUNNING


async def test_page_of_a_course_finds_out_whether_nginx_asks(
    demo: DemoProcess, tmp_path: Path
) -> None:
    async with run_course_hub(tmp_path, demo) as courses:
        proxy, behind = (f"http://127.0.0.1:{courses.own.plan.port + more}" for more in (0, 2))
        with run_nginx(tmp_path, proxy=proxy, hub=behind) as url:
            await asyncio.to_thread(_probe_with_and_without_nginx, courses, proxy, url)


def _probe_with_and_without_nginx(courses: CourseHub, proxy: str, front: str) -> None:
    anna = sign_in(proxy, "anna")
    probe = _probe_in(anna.get(courses.path))
    assert "/hub/login?next=" in HubSession(proxy).get(probe["address"]).url
    assert _end(proxy, probe) == {"is_open": True}
    warning = re.compile('id="shared-origin"[^>]* hidden')
    assert not warning.search(anna.get(courses.path).text)

    anna = sign_in(front, "anna")
    probe = _probe_in(anna.get(courses.path))
    assert HubSession(front).call_api("GET", probe["address"]).status == 403
    assert _end(front, probe) == {"is_open": False}
    page = anna.get(courses.path)
    assert warning.search(page.text)
    assert _probe_in(page) is None


def _probe_in(page: Answer) -> Any:
    (values,) = re.findall('<script type="application/json" id="page">(.*?)</script>', page.text)
    return json.loads(values)["probe"]


def _end(url: str, probe: dict[str, str]) -> Any:
    """As the page's script does."""
    with urlopen(Request(url + probe["end"], data=probe["name"].encode())) as answer:
        return json.load(answer)
