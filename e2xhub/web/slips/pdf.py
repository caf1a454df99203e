"""Makes a PDF of slips in a process of its own, so that the hub neither waits nor grows.

The process (`pdf_process`) gets the page through its standard input: no code is in an argument, in
a variable of the environment or in a file. WeasyPrint and its libraries are only needed there.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from e2xhub.domain.slips import Slips
from e2xhub.errors import E2xHubError, printable
from e2xhub.web.slips.page import render_page
from e2xhub.web.translations import Translator

MOST_SECONDS = 300.0
"""After how long the process is ended; 300 slips take 8 s, 2000 a minute."""
NOT_INSTALLED, WITHOUT_FONT = 3, 4
"""Exit statuses of the process."""
_MOST_OF_A_REASON = 500
# The hub's own environment has secrets that the process does not need.
_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHOME"),
    *("LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "FONTCONFIG_SYSROOT"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS"),
)


class PdfNotMadeError(E2xHubError):
    """There is no PDF; the slips can still be printed from the page, and written as CSV."""


class PdfUnavailableError(PdfNotMadeError):
    """What makes PDF is not installed where the hub runs."""


@dataclass(frozen=True, kw_only=True)
class SlipsPdf:
    """A PDF, and what this machine has no font for."""

    content: bytes
    without_font: tuple[str, ...] = ()
    """Names and other texts with letters that could not be printed; on its slip, a name among them
    is replaced by a sentence."""

    @property
    def warning(self) -> str:
        """What to tell whoever prints; empty where there is nothing to tell."""
        if not self.without_font:
            return ""
        texts = ", ".join(map(printable, self.without_font))
        return (
            f"this machine has no font for {texts}; install fonts where the "
            "hub runs (Debian: fonts-noto-core, fonts-noto-cjk), or print the page from a browser"
        )


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def make_pdf(
    slips: Slips, translate: Translator, *, most_seconds: float = MOST_SECONDS
) -> SlipsPdf:
    """The slips as PDF, as `render_page` lays them out; one PDF is made at a time.

    Raises PdfUnavailableError where WeasyPrint or Pango is missing, and PdfNotMadeError where it
    fails or takes longer than `most_seconds`.
    """
    turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with turn:
        answer = await _print(slips, translate, most_seconds, ())
        if isinstance(answer, bytes):
            return SlipsPdf(content=answer)
        content = await _print(slips, translate, most_seconds, answer)
    assert isinstance(content, bytes), "only texts whose fonts are not known yet are looked at"
    return SlipsPdf(content=content, without_font=answer)


async def _print(
    slips: Slips, translate: Translator, most_seconds: float, without_font: tuple[str, ...]
) -> bytes | tuple[str, ...]:
    """The PDF, or the texts that there is no font for and that `without_font` does not name."""
    render = partial(render_page, slips, translate, without_font=frozenset(without_font))
    page = await asyncio.to_thread(render)
    texts = () if without_font else _texts_of(slips)
    order = json.dumps({"page": page, "texts": texts}).encode()
    status, output, reason = await _run(order, most_seconds)
    if status == WITHOUT_FONT:
        return tuple(json.loads(output))
    if status == NOT_INSTALLED:
        raise PdfUnavailableError(
            f"no PDF can be made here: {reason}. Install e2xhub[slips] and Pango where the hub runs"
            " (Debian: libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), or print the page"
        )
    if status:
        raise PdfNotMadeError(f"the process that makes PDF ended with status {status}: {reason}")
    return output


def _texts_of(slips: Slips) -> Sequence[str]:
    texts = [slips.title, slips.university]
    for slip in slips.slips:
        texts += (slip.name, slip.room, slip.seat, slip.username)
    return list(dict.fromkeys(filter(None, texts)))


async def _run(order: bytes, most_seconds: float) -> tuple[int, bytes, str]:
    """Exit status, standard output and the end of standard error of the process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "e2xhub.web.slips.pdf_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        output, told = await asyncio.wait_for(process.communicate(order), most_seconds)
    except asyncio.TimeoutError:
        raise PdfNotMadeError(
            f"the PDF was not ready after {most_seconds:g} s; print the page, or fewer slips"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    reason = told.decode(errors="replace").strip()[-_MOST_OF_A_REASON:]
    return process.returncode, output, reason


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
