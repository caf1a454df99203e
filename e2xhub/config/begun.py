"""What one call of `configure` has read and set going for a hub."""

from __future__ import annotations

from dataclasses import dataclass

from e2xhub.authenticators.oauth.opening import SignOn
from e2xhub.course_desk.desk import CourseDesk
from e2xhub.hub_settings import HubSettings
from e2xhub.storage.live_attendance import LiveAttendance
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.server_guard import ServerGuard


@dataclass
class Begun:
    """What an earlier call for the same hub has read and set going; a further one goes on with it.

    zero-to-jupyterhub runs the image's `jupyterhub_config.d` and then `hub.extraConfig`.
    """

    settings: HubSettings
    registry: LiveRegistry
    desk: ExamDesk | None = None
    sign_on: SignOn | None = None
    guard: ServerGuard | None = None
    attendance: LiveAttendance | None = None
    course_desk: CourseDesk | None = None
    is_watched: bool = False

    def __deepcopy__(self, memo: object) -> Begun:
        return self
