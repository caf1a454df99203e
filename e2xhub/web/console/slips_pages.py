"""Prints slips from the codes that the page has: nothing of them is stored, here or elsewhere."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from e2xhub.domain.slips import Slips, SlipsRefusedError, parse_slips
from e2xhub.web.console.api import ConsoleRequest
from e2xhub.web.json_requests import RefusedError
from e2xhub.web.slips import PdfNotMadeError, PdfUnavailableError, make_pdf, render_page, write_csv
from e2xhub.web.translations import translator_for

_WRONG = "These slips cannot be printed. Close this page and issue new codes."
_NO_PDF = "PDF cannot be made on this hub. Print the page instead, or save it as CSV."
_PDF_FAILED = "The PDF could not be made. Print the page instead, or try fewer slips."


class SlipsForm(ConsoleRequest):
    """A form of the page with the field `slips`: JSON as the issue request answered it."""

    def parse_slips(self) -> Slips:
        """The slips of this exam; raises HTTPError 400 for anything else."""
        try:
            slips = parse_slips(self.get_body_argument("slips", "", strip=False))
        except SlipsRefusedError as error:
            self.log.warning("%s sent no slips: %s", self.username, error)
            raise RefusedError(400, translator_for(self)(_WRONG)) from None
        if slips.exam != self.exam_id:
            raise RefusedError(400, translator_for(self)(_WRONG))
        return slips

    def send_file(self, content: bytes | str, kind: str, ending: str) -> None:
        """Answers with a file to be saved."""
        self.set_header("Content-Type", kind)
        name = quote(f"{self.exam_id}.{ending}")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(content)


class SlipsPage(SlipsForm):
    """The page to print from."""

    async def post(self, group_name: str) -> None:
        """Answers with it."""
        del group_name
        static = f"{self.hub.base_url}e2x/static/"
        page = await asyncio.to_thread(
            render_page, self.parse_slips(), self.translate, static_url=static
        )
        self.finish(page)


class SlipsPdf(SlipsForm):
    """The same as PDF."""

    async def post(self, group_name: str) -> None:
        """Answers with the file; a warning about fonts is in the header `X-E2X-Warning`."""
        del group_name
        try:
            made = await make_pdf(self.parse_slips(), self.translate)
        except PdfUnavailableError as error:
            self.log.warning("No PDF for %s: %s", self.username, error)
            raise RefusedError(501, translator_for(self)(_NO_PDF)) from None
        except PdfNotMadeError as error:
            self.log.error("No PDF for %s: %s", self.username, error)
            raise RefusedError(500, translator_for(self)(_PDF_FAILED)) from None
        if made.warning:
            self.set_header("X-E2X-Without-Font", quote(", ".join(made.without_font)[:1000]))
        self.send_file(made.content, "application/pdf", "pdf")


class SlipsCsv(SlipsForm):
    """The same as a table."""

    def post(self, group_name: str) -> None:
        """Answers with the file."""
        del group_name
        self.send_file(write_csv(self.parse_slips()), "text/csv; charset=utf-8", "csv")


SLIPS_FORMS = {"page": SlipsPage, "pdf": SlipsPdf, "csv": SlipsCsv}
"""By the last part of their paths."""
