"""A browser of staff on an exam hub: the form, the app with its codes, the recovery codes."""

from __future__ import annotations

import copy
import html
import re
import time
from datetime import datetime, timezone
from urllib.parse import quote

import pyotp

from tests.hub.http_session import Answer, HubSession

SECOND_FACTOR = "/hub/e2x/second-factor"
_XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')
_SECRET = re.compile(r'<p class="secret"><code[^>]*>([A-Z2-7 ]+)</code>')
_RECOVERY = re.compile(r"<li><code>([0-9A-Z]{5}-[0-9A-Z]{5})</code></li>")
_ERROR = re.compile(r'<p class="error"[^>]*>(.*?)</p>', re.DOTALL)
_STEP_SECONDS = 30
_SESSION_COOKIE = "jupyterhub-session-id"


class StaffBrowser(HubSession):
    """One person's browser, and the app on their phone."""

    secret = ""
    recovery_codes: tuple[str, ...] = ()
    last_code = ""
    _last_step = 0  # of the code that the hub has seen last

    def begin(self, username: str, password: str, *, next_path: str = "") -> Answer:
        """Fills in and sends the form of staff on the sign-in page."""
        self.get("/hub/login", {"next": next_path} if next_path else None)
        xsrf = self.xsrf_token("/hub/e2x/staff-login")
        fields = {"username": username, "password": password, "_xsrf": xsrf}
        query = f"?next={quote(next_path)}" if next_path else ""
        self.username = username
        return self.post_form(f"/hub/e2x/staff-login{query}", fields)

    def type_code(self, page: Answer, code: str) -> Answer:
        """Types a code into the page of the second factor."""
        found = _XSRF.search(page.text)
        assert found, page.text
        return self.post_form(SECOND_FACTOR, {"code": code, "_xsrf": found.group(1)})

    def enrol(self, page: Answer) -> Answer:
        """Scans the picture, and confirms with a code of the app."""
        self.secret = read_secret(page)
        answer = self.type_code(page, self.next_code())
        self.recovery_codes = tuple(_RECOVERY.findall(answer.text))
        return answer

    def sign_in_as_staff(self, username: str, password: str) -> Answer:
        """Both factors; who has no second one yet enrols."""
        page = self.begin(username, password)
        return self.type_code(page, self.next_code()) if self.secret else self.enrol(page)

    def next_code(self) -> str:
        """A code that was not used yet; the hub takes those of the steps beside, too."""
        while (now := int(time.time()) // _STEP_SECONDS) + 1 <= self._last_step:
            time.sleep(0.2)
        self._last_step = max(self._last_step + 1, now - 1)
        at = datetime.fromtimestamp(self._last_step * _STEP_SECONDS, timezone.utc)
        self.last_code = pyotp.TOTP(self.secret).at(at)
        return self.last_code

    def use_app_of(self, other: StaffBrowser) -> None:
        """The same person with the same phone, in another browser."""
        self.secret, self._last_step = other.secret, other._last_step
        self.last_code = other.last_code

    @property
    def session_id(self) -> str:
        """JupyterHub's id of the session, from its cookie; empty: there is none."""
        return next((c.value or "" for c in self._cookies if c.name == _SESSION_COOKIE), "")

    def set_cookie(self, name: str, value: str) -> None:
        """Plants a cookie in the browser, as a page of a neighbouring site might."""
        known = next(iter(self._cookies))
        planted = copy.copy(known)
        planted.name, planted.value, planted.path = name, value, "/"
        self._cookies.set_cookie(planted)

    def copy_cookies(self, other: HubSession) -> None:
        """Steals what another browser has."""
        for cookie in other._cookies:
            self._cookies.set_cookie(cookie)


def read_secret(page: Answer) -> str:
    """The secret that the page of the enrolment shows for typing."""
    found = _SECRET.search(page.text)
    assert found, page.text
    return found.group(1).replace(" ", "")


def read_error(page: Answer) -> str:
    """What the page of the second factor says is wrong; empty: nothing."""
    found = _ERROR.search(page.text)
    return html.unescape(found.group(1).strip()) if found else ""
