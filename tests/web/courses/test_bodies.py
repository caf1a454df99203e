"""What the page of a course may ask for, and what is no request."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from e2xhub.domain.roles import Role
from e2xhub.web.courses.bodies import (
    MOST_BYTES,
    UPLOAD_BYTES,
    ApplyBody,
    ChangeBody,
    PreviewBody,
    UndoBody,
    UndoPreviewBody,
)
from e2xhub.web.json_requests import RefusedError, parse_json

NORA = base64.b64encode(b"nora\n").decode()


def read(model: type[Any], **given: Any) -> Any:
    return parse_json(json.dumps(given).encode(), model, most_bytes=MOST_BYTES)


def test_file_arrives_as_it_was_chosen() -> None:
    body = read(PreviewBody, content=base64.b64encode(b"\xff\xfe\x00").decode(), role="grader")
    assert (body.upload, body.role, body.remove_missing) == (b"\xff\xfe\x00", Role.GRADER, False)


def test_pasted_lines_arrive_as_rows() -> None:
    assert read(PreviewBody, content=NORA, is_pasted=True).upload == [("nora", "")]


def test_largest_file_fits_into_a_request() -> None:
    content = base64.b64encode(bytes(UPLOAD_BYTES)).decode()
    assert len(read(ApplyBody, content=content, digest="0" * 64).upload) == UPLOAD_BYTES


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (PreviewBody, {}),
        (PreviewBody, {"content": "no base64!"}),
        (PreviewBody, {"content": "ä"}),
        (PreviewBody, {"content": NORA, "role": "king"}),
        (PreviewBody, {"content": NORA, "remove_missing": "yes"}),
        (PreviewBody, {"content": NORA, "course": "other"}),
        (ApplyBody, {"content": NORA}),
        (ApplyBody, {"content": NORA, "digest": 1}),
        (ChangeBody, {"add": [{"username": "", "role": "student"}]}),
        (ChangeBody, {"add": [{"username": "nora", "role": "student"}] * 51}),
        (ChangeBody, {"remove": [{"username": "nora"}]}),
        (UndoBody, {"change": "0" * 11}),
        (UndoBody, {"change": "0" * 12, "confirm_loss": "yes"}),
        (UndoPreviewBody, {"change": "0" * 12, "confirm_loss": True}),
    ],
)
def test_what_is_no_request_is_refused_without_what_was_sent(
    model: type[Any], given: dict[str, Any]
) -> None:
    with pytest.raises(RefusedError) as refused:
        read(model, **given)
    assert refused.value.status_code == 400
    assert "nora" not in refused.value.jupyterhub_message


def test_request_that_is_too_large_is_not_read() -> None:
    with pytest.raises(RefusedError, match="400") as refused:
        parse_json(b" " * (MOST_BYTES + 1), ChangeBody, most_bytes=MOST_BYTES)
    assert refused.value.jupyterhub_message == f"the request has more than {MOST_BYTES} bytes"
