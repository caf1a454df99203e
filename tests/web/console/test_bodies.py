"""What the console's requests may carry."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from e2xhub.domain.exam_records import ANNOUNCEMENT_MAX, REASON_MAX, check_text
from e2xhub.web.console.bodies import (
    MOST_PEOPLE,
    Body,
    ExtraTimeBody,
    IssueBody,
    MessageBody,
    People,
    PeopleWithReason,
)

SEEN = [{"username": "alice", "granted": 0}]


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (People, {}),
        (People, {"usernames": []}),
        (People, {"usernames": ["a"] * (MOST_PEOPLE + 1)}),
        (People, {"usernames": "alice"}),
        (People, {"usernames": [1]}),
        (People, {"usernames": ["alice"], "by": "somebody else"}),
        (People, []),
        (PeopleWithReason, {"usernames": ["alice"], "reason": None}),
        (IssueBody, {"people": [{"username": "alice"}]}),
        (IssueBody, {"people": [{"username": "alice", "generation": -1}]}),
        (IssueBody, {"people": [{"username": "alice", "generation": True}]}),
        (ExtraTimeBody, {"usernames": ["alice"], "minutes": 15, "reason": "noise"}),
        (ExtraTimeBody, {"people": [{"username": "alice"}], "minutes": 15, "reason": "noise"}),
        (ExtraTimeBody, {"people": SEEN, "minutes": 0, "reason": "noise"}),
        (ExtraTimeBody, {"people": SEEN, "minutes": 1e9, "reason": "noise"}),
        (ExtraTimeBody, {"people": SEEN, "minutes": "15", "reason": "noise"}),
        (ExtraTimeBody, {"people": SEEN, "minutes": 15}),
        (ExtraTimeBody, {"people": SEEN, "minutes": 15, "reason": ""}),
        (MessageBody, {"usernames": None, "text": ""}),
        (MessageBody, {"text": "Hello"}),
        (MessageBody, {"usernames": [], "text": "Hello"}),
        (MessageBody, {"usernames": None, "text": "x" * (2 * ANNOUNCEMENT_MAX + 1)}),
    ],
)
def test_what_is_no_request_is_refused(model: type[Body], value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate_json(json.dumps(value))
    assert "alice" not in str(refused.value)


def test_lines_of_a_message_are_kept() -> None:
    body = MessageBody.model_validate_json(
        json.dumps({"usernames": None, "text": " One \r\n\u202etwo\x00  \n"})
    )
    assert body.text == "One\ntwo"


def test_reason_and_message_may_be_as_long_as_what_is_kept() -> None:
    reason = json.dumps({"usernames": ["alice"], "reason": "x" * REASON_MAX})
    assert len(PeopleWithReason.model_validate_json(reason).reason) == REASON_MAX
    lines = "\n".join(["x" * (ANNOUNCEMENT_MAX // 2)] * 3)
    message = json.dumps({"usernames": None, "text": lines})
    assert len(MessageBody.model_validate_json(message).text) == ANNOUNCEMENT_MAX


@given(st.text(max_size=3 * REASON_MAX))
def test_whatever_is_typed_as_a_reason_can_be_kept(typed: str) -> None:
    text = json.dumps({"usernames": ["alice"], "reason": typed})
    try:
        body = PeopleWithReason.model_validate_json(text)
    except ValidationError:  # half a letter is none
        assert any(unicodedata.category(letter) == "Cs" for letter in typed)
        return
    assert check_text(body.reason, REASON_MAX) == body.reason
    assert "\n" not in body.reason


@given(st.text(min_size=1, max_size=2 * ANNOUNCEMENT_MAX))
def test_whatever_is_typed_as_a_message_can_be_kept(typed: str) -> None:
    text = json.dumps({"usernames": None, "text": typed})
    try:
        body = MessageBody.model_validate_json(text)
    except ValidationError:
        assert any(unicodedata.category(letter) == "Cs" for letter in typed)
        return
    assert check_text(body.text, ANNOUNCEMENT_MAX) == body.text
