"""Staff of an exam hub who sign in with `oauth`: known by their subject, then a second factor."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import OPEN, ExamHub, run_exam_hub
from tests.hub.forging_service import ForgingService
from tests.hub.http_session import Answer
from tests.hub.sign_on_hub import LINES, NOT_DONE, NOT_KNOWN, SECRET, UNAVAILABLE, SignOnHub
from tests.hub.staff_browser import SECOND_FACTOR, StaffBrowser
from tests.log_search import SEARCH

pytestmark = pytest.mark.hub

SUBJECTS = "subject,username\ns-1,petra\ns-2,alice\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub_and_service(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[tuple[ExamHub, ForgingService]]:
    """An exam hub with a file of subjects."""
    directory = tmp_path_factory.mktemp("staff-sign-on")
    SEARCH.keep_secret(SECRET)
    (directory / "subjects.csv").write_text(SUBJECTS, encoding="utf-8")
    (directory / "secret").write_text(SECRET, encoding="utf-8")
    with ForgingService().running() as service:
        oauth = {
            "issuer": service.url,
            "client_id": "hub",
            "client_secret_file": str(directory / "secret"),
            "subjects": str(directory / "subjects.csv"),
            "group_claims": ["groups"],
        }
        async with run_exam_hub(
            directory, demo, lines=LINES, staff_authenticator="", oauth=oauth
        ) as running:
            yield running, service


@pytest.fixture
def hub(hub_and_service: tuple[ExamHub, ForgingService]) -> ExamHub:
    return hub_and_service[0]


@pytest.fixture
def service(hub_and_service: tuple[ExamHub, ForgingService]) -> ForgingService:
    """It tells the truth, until a test says otherwise."""
    hub_and_service[1].tell_truth()
    return hub_and_service[1]


def begin(hub: ExamHub, service: ForgingService, subject: str) -> tuple[StaffBrowser, Answer]:
    """Signs in at the service, which asks nobody, and comes back."""
    service.id_token["sub"] = service.person["sub"] = subject
    browser = hub.browser()
    return browser, browser.get("/hub/oauth_login")


def test_proctor_is_known_by_the_subject_and_has_a_second_factor(
    hub: ExamHub, service: ForgingService
) -> None:
    service.person |= {"preferred_username": "anna", "groups": [OPEN, "ml-tomorrow"]}
    browser, page = begin(hub, service, "s-1")
    assert page.url.endswith(SECOND_FACTOR)
    assert not browser.is_signed_in
    browser.username = "petra"
    browser.enrol(page)
    assert browser.get("/hub/e2x/probe").text == f"petra watches {OPEN}"


def test_examinee_with_an_account_at_the_service_is_refused(
    hub: ExamHub, service: ForgingService
) -> None:
    browser, answer = begin(hub, service, "s-2")
    assert answer.status == 403
    assert not browser.is_signed_in
    assert "/hub/login" in browser.get(SECOND_FACTOR).url


def test_subject_that_nobody_has_is_refused_and_audited(
    hub: ExamHub, service: ForgingService
) -> None:
    _, answer = begin(hub, service, "s-stranger")
    assert (answer.status, SignOnHub.sentence(answer)) == (403, NOT_KNOWN)
    assert "s-stranger" not in answer.text
    last = hub.open_records().entries()[-1].event
    assert "the subject 's-stranger' is not in the file of subjects" in str(last)


def test_answer_for_another_client_is_refused(hub: ExamHub, service: ForgingService) -> None:
    service.id_token["aud"] = "another hub"
    _, answer = begin(hub, service, "s-1")
    assert (answer.status, SignOnHub.sentence(answer)) == (403, NOT_DONE)


def test_outage_is_told_and_not_counted_as_a_refusal(hub: ExamHub, service: ForgingService) -> None:
    before = len(hub.open_records().entries())
    service.status = 503
    _, answer = begin(hub, service, "s-1")
    assert (answer.status, SignOnHub.sentence(answer)) == (503, UNAVAILABLE)
    assert len(hub.open_records().entries()) == before
