"""Started by `web.slips.pdf`: reads a page from standard input and writes it as PDF.

Input is JSON: `{"page": HTML, "texts": [texts to be printed]}`. Where there are texts that this
machine has no font for, these are the output, as JSON, and the exit status is WITHOUT_FONT.
Standard error gets neither the page nor what an error says, because there are codes in the page.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from e2xhub.web.slips.fonts import find_without_font
from e2xhub.web.slips.pdf import NOT_INSTALLED, WITHOUT_FONT

# 300 slips take about 260 MB; what asks for more than this is not worth the hub's memory.
_MOST_BYTES = 2 << 30
_STYLE = Path(__file__).parents[1] / "static" / "slips.css"


def main() -> int:
    """The exit status."""
    _limit_itself()
    logging.disable()  # WeasyPrint would quote what it reads
    order = json.load(sys.stdin.buffer)
    try:
        import weasyprint
    except (ImportError, OSError, AttributeError) as error:  # what it says has no input of ours
        print(" ".join(f"{type(error).__name__}: {error}".split()), file=sys.stderr)
        return NOT_INSTALLED
    return _answer(weasyprint, order["page"], order["texts"])


def _limit_itself() -> None:
    # A memory dump would have the codes in it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    # Where memory is short, this process is ended, and not the hub.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _answer(weasyprint: Any, page: str, texts: Sequence[str]) -> int:
    missing = find_without_font(texts)
    if missing:
        sys.stdout.write(json.dumps(missing))
        return WITHOUT_FONT
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=())  # nothing is fetched
    style = weasyprint.CSS(string=_STYLE.read_text(encoding="utf-8"), url_fetcher=fetcher)
    document = weasyprint.HTML(string=page, url_fetcher=fetcher)
    sys.stdout.buffer.write(document.write_pdf(stylesheets=[style]))
    return 0


def _tell_where(error: Exception) -> None:
    """The kind of error and the lines of code, without the error's text."""
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    print(f"{type(error).__name__} in {', '.join(places)}", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        _tell_where(error)
        sys.exit(1)
