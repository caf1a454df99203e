"""What becomes of codes that were just issued: they are shown or written once, and never lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from e2xhub.cli.exam_desk import Desk, join_names
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import print_json
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import ALPHABET, LENGTH, OneTimePassword
from e2xhub.domain.slips import Slips, make_slips
from e2xhub.storage.new_files import new_private_file
from e2xhub.web.slips import PdfNotMadeError, make_pdf, write_csv
from e2xhub.web.translations import Translator


@dataclass(kw_only=True)
class Issued:
    """What a command has issued so far."""

    codes: dict[Username, OneTimePassword] = field(default_factory=dict)
    had_one: list[Username] = field(default_factory=list)
    """Who was given a code before, and keeps it."""
    stopped_by: BaseException | None = None
    """Why the rest was not issued."""


@dataclass(frozen=True, kw_only=True)
class SlipFiles:
    """Where codes are written; both are there, and empty, before the first one is issued."""

    desk: Desk
    translate: Translator
    hub_url: str
    csv: Path | None
    pdf: Path | None
    opened: Mapping[Path | None, BinaryIO]

    def write(self, codes: Mapping[Username, OneTimePassword]) -> list[Path]:
        """Writes the slips; the files that have all codes now."""
        slips, written = self._make(codes), []
        if self.csv:
            self.opened[self.csv].write(write_csv(slips).encode())
            written.append(self.csv)
        if self.pdf and self._write_pdf(slips, self.opened[self.pdf]):
            written.append(self.pdf)
        return written

    def rehearse(self, username: Username) -> None:
        """Raises PdfNotMadeError where no PDF can be made, while there is nothing to be lost."""
        if self.pdf:
            nobodys = OneTimePassword(ALPHABET[0] * LENGTH)
            asyncio.run(make_pdf(self._make({username: nobodys}), self.translate))

    def _write_pdf(self, slips: Slips, file: BinaryIO) -> bool:
        try:
            made = asyncio.run(make_pdf(slips, self.translate))
        except PdfNotMadeError as error:
            print(error, file=sys.stderr)
            return False
        file.write(made.content)
        if made.warning:
            print(made.warning, file=sys.stderr)
        return True

    def _make(self, codes: Mapping[Username, OneTimePassword]) -> Slips:
        desk = self.desk
        return make_slips(desk.registry, desk.exam, codes, hub_address=self.hub_url)


@contextmanager
def open_slip_files(
    desk: Desk, translate: Translator, hub_url: str, csv: Path | None, pdf: Path | None
) -> Iterator[SlipFiles]:
    """New files for the slips; what stays empty is removed. Raises FaultsFoundError."""
    with ExitStack() as stack:
        opened: dict[Path | None, BinaryIO] = {
            path: stack.enter_context(new_private_file(path)) for path in (csv, pdf) if path
        }
        yield SlipFiles(
            desk=desk, translate=translate, hub_url=hub_url, csv=csv, pdf=pdf, opened=opened
        )


def show_issued(desk: Desk, issued: Issued, *, written: Sequence[Path], json: bool) -> None:
    """Tells what was issued, with the codes unless they are in a file."""
    if json:
        print_json(_as_json(desk, issued, written))
    elif written:
        files = " and ".join(map(str, written))
        print(
            f"The codes of {len(issued.codes)} examinees are in {files}, and are never shown again."
        )
    else:
        _print_codes(desk, issued)
    if issued.had_one:
        print(
            f"{len(issued.had_one)} had a code before, and keep it: {join_names(issued.had_one)}",
            file=sys.stderr,
        )


def _print_codes(desk: Desk, issued: Issued) -> None:
    rows = [tuple(row.values()) for row in _rows(desk, issued)]
    print_table(f"Codes of {desk.exam}", ("user", "room", "seat", "code"), rows, whole={"code"})


def _rows(desk: Desk, issued: Issued) -> list[dict[str, str]]:
    places = {it.username: it.attributes for it in desk.examinees()}
    return [
        {
            "username": username,
            "room": places.get(username, {}).get("room", ""),
            "seat": places.get(username, {}).get("seat", ""),
            "code": code.reveal(),
        }
        for username, code in issued.codes.items()
    ]


def _as_json(desk: Desk, issued: Issued, written: Sequence[Path]) -> dict[str, Any]:
    rows = _rows(desk, issued)
    if written:
        rows = [{name: text for name, text in row.items() if name != "code"} for row in rows]
    return {
        "exam": desk.exam,
        "issued": rows,
        "had_one": issued.had_one,
        "files": [str(path) for path in written],
    }
