"""Pages of their own, without JupyterHub's frame, scripts and styles: those of staff.

Their Content-Security-Policy admits files of ours only, and nothing inline: what people are called
or write can be shown, but never run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyterhub.handlers.base import BaseHandler
from sqlalchemy.exc import SQLAlchemyError
from tornado.web import HTTPError, StaticFileHandler

from e2xhub.web.translations import translator_for

_HERE = Path(__file__).parent
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class StandalonePage(BaseHandler):  # type: ignore[misc]
    """A handler whose pages are `templates/…` with a strict policy; nobody keeps them."""

    def set_default_headers(self) -> None:
        """Ours instead of JupyterHub's, whatever an admin configured for the rest of the hub."""
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def render_page(self, name: str, **context: Any) -> str:
        """The page of the template `templates/<name>`.

        It has `translate`, the hub's path `hub_path`, the token `xsrf` of its forms, `username`
        (empty: nobody is signed in) and `context`.
        """
        page = _templates.get_template(name)
        return page.render(
            translate=translator_for(self),
            hub_path=self.hub.base_url,
            xsrf=self.xsrf_token.decode("ascii"),
            username=self.current_user.name if self.current_user else "",
            **context,
        )

    @property
    def is_navigation(self) -> bool:
        """Whether a person opened this, and not a script of a page."""
        mode: str = self.request.headers.get("Sec-Fetch-Mode", "navigate")
        return mode == "navigate"

    def send_to_sign_in(self) -> None:
        """The sign-in page for whoever has opened a page; 403 for scripts."""
        if not self.is_navigation or self.request.method not in ("GET", "HEAD"):
            raise HTTPError(403)
        query = urlencode({"next": self.request.uri})
        self.redirect(f"{self.settings['login_url']}?{query}")

    def write_error(self, status_code: int, **given: Any) -> None:
        """What went wrong, in plain words; for scripts as `{"status": …, "message": …}`.

        An exception may carry a sentence for the person as `jupyterhub_message`.
        """
        exception = given.get("exc_info", (None, None))[1]
        said = translator_for(self)(getattr(exception, "jupyterhub_message", ""))
        if isinstance(exception, SQLAlchemyError):
            self.db.rollback()  # of JupyterHub's own database; or the next request would fail too
        # What cannot be read at all fails before anybody has asked who it is.
        self._jupyterhub_user = user = getattr(self, "_jupyterhub_user", None)
        if self.is_navigation:
            page = self.render_page(
                "staff/error.html", status_code=status_code, said=said, user=user
            )
            self.finish(page)
        else:
            self.set_header("Content-Type", "application/json")
            self.finish({"status": status_code, "message": said or self._reason})


class OurFiles(StaticFileHandler):
    """The files of `static/`: styles and scripts, the same for everybody."""

    def set_extra_headers(self, path: str) -> None:
        """Looked at anew each time, because a new release may have changed them."""
        del path
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


FILES_ROUTE = (r"/e2x/static/(.*)", OurFiles, {"path": str(_HERE / "static")})
"""Where they are, below the hub's path."""
