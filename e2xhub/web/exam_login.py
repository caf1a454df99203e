"""The sign-in page of an exam hub."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.login import LoginHandler

from e2xhub.web.translations import translator_for

_REFUSED = "This username and code do not open an exam now. Check both; then ask your proctor."
UNKNOWN_USERNAME = "(not on the roster)"
# What JupyterHub says where `authenticate` returns nothing.
_UPSTREAM_REFUSAL = "Invalid username or password"


class ExamLoginHandler(LoginHandler):  # type: ignore[misc]
    """JupyterHub's login page with our words; the template is `templates/exam/login.html`."""

    async def login_user(self, data: dict[str, str] | None = None) -> Any:
        """Signs in; a name that is on no exam's list is not logged, it may be a code.

        People type into the wrong field, and JupyterHub logs the names of failed sign-ins.
        """
        if data and not self.authenticator.is_examinee(data.get("username", "")):
            data = {**data, "username": UNKNOWN_USERNAME}
        return await super().login_user(data)

    def _render(
        self, login_error: str | None = None, username: str | None = None, **context: Any
    ) -> Any:
        translate = translator_for(self)
        if login_error == _UPSTREAM_REFUSAL:
            login_error = translate(_REFUSED)
        return super()._render(
            login_error=login_error, username=username, translate=translate, **context
        )
