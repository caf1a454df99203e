"""What the projector of a room shows: time, where to sign in, and the room's code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tornado import web

from e2xhub.domain.room_codes import STEP_SECONDS, room_code_at
from e2xhub.web.console.addresses import hub_address
from e2xhub.web.console.api import ConsoleRequest, now
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.translations import translator_for


class _RoomHandler(ConsoleRequest):
    """A request about one room, or about none."""

    def check_room(self, room: str | None) -> None:
        """Raises HTTPError 404 where the exam is not held in `room`."""
        if room is not None and room not in self.exam.rooms:
            raise web.HTTPError(404)

    def state_of(self, room: str | None, at: datetime) -> dict[str, Any]:
        """What changes on the page: the code of a room is for those who see its projector."""
        step_ends = (int(at.timestamp()) // STEP_SECONDS + 1) * STEP_SECONDS
        shown = room or (self.exam.rooms[0] if len(self.exam.rooms) == 1 else None)
        code = ""
        if self.exam.room_code and shown:
            peppers = self.desk.records.records.peppers
            code = room_code_at(peppers.current, self.exam_id, shown, at)
        return {
            "now": milliseconds(at),
            "title": self.exam.title,
            "starts_at": milliseconds(self.exam.start),
            "ends_at": milliseconds(self.exam.ends_at),
            "code": code,
            "code_until": step_ends * 1000,
            "code_seconds": STEP_SECONDS,
        }


class ProjectorHandler(_RoomHandler):
    """The page; without controls and without names."""

    def get(self, group_name: str, room: str | None = None) -> None:
        """Shows it for `room`, or the choice of rooms where the codes of several differ."""
        del group_name
        self.check_room(room)
        chooses = self.exam.room_code and room is None and len(self.exam.rooms) > 1
        path = f"{self.hub.base_url}e2x/exams/{self.exam_id}"
        page = {
            "state": f"{path}/projector-state",
            "room": room or "",
            "xsrf": self.xsrf_token.decode("ascii"),
            "time_zone": str(self.registry.time_zone),
            "language": self.translate.language,
            "words": {
                "begins": translator_for(self)("Begins in"),
                "left": translator_for(self)("Time left"),
                "over": translator_for(self)("The exam is over."),
                "offline": translator_for(self)("No connection. The clock goes on."),
            },
            **self.state_of(room, now()),
        }
        self.finish(
            self.render_page(
                "console/projector_rooms.html" if chooses else "console/projector.html",
                exam=self.exam,
                exam_id=self.exam_id,
                address=_without_scheme(hub_address(self, self.desk.public_url)),
                starts_at=self.exam.start.astimezone(self.registry.time_zone),
                ends_at=self.exam.ends_at.astimezone(self.registry.time_zone),
                room=room or "",
                page=page,
            )
        )


class ProjectorStateHandler(_RoomHandler):
    """The same for the page's script."""

    @property
    def is_navigation(self) -> bool:
        """A script reads this."""
        return False

    def get(self, group_name: str, room: str | None = None) -> None:
        """Answers with it."""
        del group_name
        self.check_room(room)
        self.finish(self.state_of(room, now()))


def _without_scheme(address: str) -> str:
    """What people type: browsers add https by themselves."""
    return address.removeprefix("https://").rstrip("/")
