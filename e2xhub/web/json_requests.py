"""JSON that a page's script sends: read strictly, and refused in plain words."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from tornado import web

_Model = TypeVar("_Model", bound=BaseModel)


class RefusedError(web.HTTPError):
    """A request that is not done, with a sentence for the person."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.jupyterhub_message = sentence


def parse_json(body: bytes, model: type[_Model], *, most_bytes: int) -> _Model:
    """The body of a request; raises RefusedError (400) that says what is wrong, without what was
    sent."""
    if len(body) > most_bytes:
        raise RefusedError(400, f"the request has more than {most_bytes} bytes")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = (f"{_place_of(fault['loc'])}: {fault['msg']}" for fault in faults[:3])
        raise RefusedError(400, "; ".join(told)) from None


def _place_of(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "the request"
