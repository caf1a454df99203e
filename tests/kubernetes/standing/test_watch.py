"""What a server was started as survives the hub; what is found about it is told once."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone

import pytest
from prometheus_client import REGISTRY

from e2xhub.domain.refusals import Reason
from e2xhub.domain.standing import Lapse, Started
from e2xhub.kubernetes.standing.watch import StandingWatch

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)
A_MINUTE = timedelta(minutes=1)
STARTED = Started(slug="databases/WS26/student", is_read_only=False, stop_after_minutes=30)
LEFT = Lapse(reason=Reason.NOT_OFFERED, detail="gone")
ENDED = Lapse(reason=Reason.TERM_ENDED, at=datetime(2026, 11, 1, tzinfo=timezone.utc))
REPORT = (
    "server alice runs databases/WS26/student, which is not offered to its owner any more "
    "(seen since 2026-11-02 12:00 UTC): gone; it is stopped at 2026-11-02 12:30 UTC"
)


@pytest.fixture
def watch() -> StandingWatch:
    """That of a running server of Alice."""
    made = StandingWatch(logging.getLogger("hub"), "alice")
    made.start(STARTED)
    return made


def not_offered() -> float | None:
    return REGISTRY.get_sample_value("e2xhub_servers_not_offered")


def restart(watch: StandingWatch) -> StandingWatch:
    """The watch of the same server in the hub's next process."""
    state = json.loads(json.dumps(watch.get_state()))
    watch.clear()
    restarted = StandingWatch(logging.getLogger("hub"), "alice")
    restarted.load_state(state)
    return restarted


def test_lapse_is_told_once(watch: StandingWatch, caplog: pytest.LogCaptureFixture) -> None:
    assert watch.note(LEFT, NOON)
    assert not watch.note(LEFT, NOON + A_MINUTE)
    assert caplog.messages == [REPORT]


def test_another_reason_is_told_and_the_time_goes_on(
    watch: StandingWatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.note(LEFT, NOON)
    assert not watch.note(ENDED, NOON + A_MINUTE)
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "gone; it is stopped at 2026-11-02 12:30 UTC",
        "Ended on 2026-11-01; it is stopped at 2026-11-02 12:30 UTC",
    ]


def test_server_that_is_never_stopped_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    watch = StandingWatch(logging.getLogger("hub"), "alice:ml")
    watch.start(Started(slug="ml/WS26/student", is_read_only=True, stop_after_minutes=None))
    watch.note(LEFT, NOON)
    assert caplog.messages[0].endswith(
        "gone; it goes on until somebody stops it (the catalog sets no stop_after_minutes)"
    )
    assert not watch.is_due(NOON + timedelta(days=1000))


def test_examinees_server_is_due_a_minute_after_the_exam(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = StandingWatch(logging.getLogger("hub"), "alice")
    watch.start(Started(slug="exams/ml/student", is_read_only=False, stop_after_minutes=None))
    watch.note(Lapse(reason=Reason.EXAM_ENDED, at=NOON), NOON)
    assert caplog.messages[0].endswith(
        "The exam ended on 2026-11-02 at 12:00; it is stopped at 2026-11-02 12:01 UTC"
    )
    restarted = restart(watch)
    restarted.note(Lapse(reason=Reason.EXAM_ENDED, at=NOON), NOON + A_MINUTE / 2)
    assert not restarted.is_due(NOON + A_MINUTE / 2)
    assert restarted.is_due(NOON + A_MINUTE)


def test_server_is_due_after_its_minutes(watch: StandingWatch) -> None:
    assert not watch.is_due(NOON)
    watch.note(LEFT, NOON)
    assert not watch.is_due(NOON + 29 * A_MINUTE)
    assert watch.is_due(NOON + 30 * A_MINUTE)


def test_server_that_is_offered_again_begins_anew(
    watch: StandingWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch.note(LEFT, NOON)
    assert watch.note(None, NOON + A_MINUTE)
    assert not watch.note(None, NOON + A_MINUTE)
    assert caplog.messages == [REPORT, "server alice is offered to its owner again"]
    watch.note(LEFT, NOON + 20 * A_MINUTE)
    assert not watch.is_due(NOON + 49 * A_MINUTE)


def test_restarted_hub_knows_since_when(watch: StandingWatch) -> None:
    watch.note(LEFT, NOON)
    restarted = restart(watch)
    assert restarted.started == STARTED
    assert restarted.is_due(NOON + 30 * A_MINUTE)
    assert not restarted.note(LEFT, NOON + 10 * A_MINUTE)


def test_restarted_hub_knows_a_server_that_is_offered(watch: StandingWatch) -> None:
    restarted = restart(watch)
    assert restarted.started == STARTED
    assert not restarted.is_due(NOON + timedelta(days=1000))


@pytest.mark.parametrize("state", [{}, {"pod_name": "jupyter-alice"}, {"e2xhub": None}])
def test_server_of_an_earlier_version_is_not_judged(state: dict[str, object]) -> None:
    watch = StandingWatch(logging.getLogger("hub"), "alice")
    watch.load_state(state)
    assert watch.started is None
    assert watch.get_state() == {}


def test_metric_counts_the_servers_that_run_and_are_not_offered(watch: StandingWatch) -> None:
    before = not_offered()
    assert before is not None
    watch.note(LEFT, NOON)
    watch.note(ENDED, NOON)
    assert not_offered() == before + 1
    restarted = restart(watch)
    assert not_offered() == before + 1
    restarted.clear()
    assert not_offered() == before


def test_server_that_stopped_leaves_nothing(watch: StandingWatch) -> None:
    watch.note(LEFT, NOON)
    watch.clear()
    assert watch.get_state() == {}
    assert not watch.is_due(NOON + timedelta(days=1000))
