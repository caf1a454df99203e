"""The PDF: eight slips on A4, any script, codes that can be read, and a process that ends."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from e2xhub.web.slips import PdfNotMadeError, PdfUnavailableError, make_pdf
from e2xhub.web.slips.fonts import find_without_font
from tests.programs import find_program
from tests.web.browsers import translator_of
from tests.web.slips.examinees import NAMES, WITHOUT_A_FONT, code_of, slips_of

ENGLISH = translator_of("en")
ANNA = slips_of([("Anna", "Müller")])


def ask(program: str, pdf: bytes, *arguments: str) -> str:
    """What a program of poppler says about a PDF."""
    command = [find_program(program), *arguments, "-"]
    if program == "pdftotext":
        command.append("-")
    return subprocess.run(command, input=pdf, stdout=subprocess.PIPE, check=True).stdout.decode()


@pytest.fixture(scope="module")
def pdf() -> bytes:
    """The slips of two sheets, with names that are hard to print."""
    return asyncio.run(make_pdf(slips_of(NAMES), ENGLISH)).content


def test_two_sheets_of_a4(pdf: bytes) -> None:
    found = ask("pdfinfo", pdf)
    assert re.search(r"^Pages: +2$", found, re.MULTILINE)
    assert re.search(r"^Page size: .*\(A4\)$", found, re.MULTILINE)


def test_eight_codes_are_on_the_first_sheet(pdf: bytes) -> None:
    text = ask("pdftotext", pdf, "-f", "1", "-l", "1")
    codes = [code_of(number) for number in range(len(NAMES))]
    assert [code for code in codes if code in text] == codes[:8]


def test_no_name_cuts_a_code(pdf: bytes) -> None:
    text = ask("pdftotext", pdf)
    assert [number for number in range(len(NAMES)) if code_of(number) not in text] == []


def test_fonts_are_in_the_file_and_codes_in_a_monospaced_one(pdf: bytes) -> None:
    lines = ask("pdffonts", pdf).splitlines()[2:]
    assert [line for line in lines if line.split()[-5] != "yes"] == []
    assert any("Mono" in line for line in lines)


def test_name_in_any_script_is_printed() -> None:
    made = asyncio.run(make_pdf(slips_of(NAMES), ENGLISH))
    assert (made.without_font, made.warning) == ((), "")


async def test_name_without_a_font_is_told_and_its_code_is_printed() -> None:
    made = await make_pdf(slips_of([("Anna", "Müller"), ("", WITHOUT_A_FONT)]), ENGLISH)
    assert made.without_font == (WITHOUT_A_FONT,)
    assert made.warning == (
        r"this machine has no font for \U0010fff0\U0010fff1; install fonts where the hub runs "
        "(Debian: fonts-noto-core, fonts-noto-cjk), or print the page from a browser"
    )
    text = ask("pdftotext", made.content)
    assert code_of(1) in text
    assert "There is no font for this name here." in text


def test_text_with_a_font_is_not_told() -> None:
    assert find_without_font(["Anna Müller", WITHOUT_A_FONT, "محمد", ""]) == [WITHOUT_A_FONT]


InsteadOfWeasyPrint = Callable[[str], None]


@pytest.fixture
def instead_of_weasyprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InsteadOfWeasyPrint:
    """Has the process find a module with the given lines where WeasyPrint would be."""

    def put(source: str) -> None:
        (tmp_path / "weasyprint.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "raise OSError('cannot load library libpango-1.0-0')",
            "OSError: cannot load library libpango-1.0-0",
        ),
        ("import there_is_no_such_module", "ModuleNotFoundError: No module named"),
    ],
)
async def test_missing_library_is_named_with_what_to_install(
    instead_of_weasyprint: InsteadOfWeasyPrint, source: str, reason: str
) -> None:
    instead_of_weasyprint(source)
    with pytest.raises(PdfUnavailableError) as refused:
        await make_pdf(ANNA, ENGLISH)
    assert str(refused.value).startswith(f"no PDF can be made here: {reason}")
    assert str(refused.value).endswith(
        "Install e2xhub[slips] and Pango where the hub runs (Debian: libpango-1.0-0 "
        "libpangoft2-1.0-0 libharfbuzz-subset0), or print the page"
    )


async def test_process_that_takes_too_long_is_ended(
    instead_of_weasyprint: InsteadOfWeasyPrint, tmp_path: Path
) -> None:
    instead_of_weasyprint(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(
        PdfNotMadeError, match=r"^the PDF was not ready after 10 s; print the page, or fewer slips$"
    ):
        await make_pdf(ANNA, ENGLISH, most_seconds=10)
    process = (tmp_path / "pid").read_text()
    assert not Path("/proc", process).exists()


async def test_error_of_the_process_tells_no_code(
    instead_of_weasyprint: InsteadOfWeasyPrint,
) -> None:
    instead_of_weasyprint(
        "def CSS(**given): return None\n"
        "def HTML(string, **given): raise ValueError('cannot print ' + string)\n"
        "class urls: URLFetcher = dict\n"
    )
    with pytest.raises(
        PdfNotMadeError,
        match=r"^the process that makes PDF ended with status 1: "
        r"ValueError in pdf_process.py:\d+, weasyprint.py:2$",
    ):
        await make_pdf(ANNA, ENGLISH)


async def test_process_gets_neither_secrets_of_the_hub_nor_codes_as_arguments(
    instead_of_weasyprint: InsteadOfWeasyPrint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "secret-of-the-hub")
    seen = tmp_path / "seen"
    instead_of_weasyprint(
        "import pathlib\n"
        "def read(name): return pathlib.Path('/proc/self', name).read_bytes()\n"
        f"pathlib.Path({str(seen)!r}).write_bytes(read('environ') + read('cmdline'))\n"
        "raise ImportError\n"
    )
    with pytest.raises(PdfUnavailableError):
        await make_pdf(ANNA, ENGLISH)
    found = seen.read_text()
    assert "e2xhub.web.slips.pdf_process" in found
    assert "secret-of-the-hub" not in found
    assert code_of(0) not in found


async def test_one_pdf_is_made_at_a_time(
    instead_of_weasyprint: InsteadOfWeasyPrint, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    instead_of_weasyprint(
        "import time\n"
        f"diary = open({str(diary)!r}, 'a', buffering=1)\n"
        "diary.write('(')\ntime.sleep(0.5)\ndiary.write(')')\nraise ImportError\n"
    )
    answers = await asyncio.gather(
        *(make_pdf(ANNA, ENGLISH) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [PdfUnavailableError] * 3
    assert diary.read_text() == "()()()"


async def test_page_fetches_nothing() -> None:
    asked: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1")
    address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    page = f"<img src={address}><link rel=stylesheet href={address}>"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "e2xhub.web.slips.pdf_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    order = json.dumps({"page": page, "texts": []})
    output, _ = await process.communicate(order.encode())
    listener.close()
    assert output.startswith(b"%PDF")
    assert asked == []
