"""The commands of the how-to that move submissions from a shared directory to each person's own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "move-from-e2x.md"
SUBMITTED = "sheet1+2023-05-02 10:11:12.000001 UTC"


def commands() -> str:
    (found,) = re.findall("```sh\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def make_submission(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "sheet1.ipynb").write_text(directory.name)


def test_each_submission_goes_to_whom_it_is_named_after(tmp_path: Path) -> None:
    exchange = tmp_path / "nbgrader/exchanges/MRC/MRC-SS23"
    names = [f"amy+{SUBMITTED}", f"amy+{SUBMITTED}+abc", f"amy-2+{SUBMITTED}", f"00777+{SUBMITTED}"]
    for name in names:
        make_submission(exchange / "inbound" / name)
    (exchange / "inbound/notes+of-somebody.txt").touch()
    subprocess.run(["sh", "-euc", commands()], cwd=tmp_path, check=True)
    moved = {
        str(path.parent.relative_to(exchange))
        for path in (exchange / "personalized-inbound").rglob("*.ipynb")
    }
    assert moved == {f"personalized-inbound/{name.split('+')[0]}/{name}" for name in names}
    assert [path.name for path in (exchange / "inbound").iterdir()] == ["notes+of-somebody.txt"]


def test_submission_that_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    exchange = tmp_path / "nbgrader/exchanges/MRC/MRC-SS23"
    name = f"amy+{SUBMITTED}"
    make_submission(exchange / "inbound" / name)
    (exchange / "personalized-inbound/amy" / name).mkdir(parents=True)
    (exchange / "personalized-inbound/amy" / name / "sheet1.ipynb").write_text("later work")
    subprocess.run(["sh", "-uc", commands()], cwd=tmp_path, check=False)
    kept = exchange / "personalized-inbound/amy" / name / "sheet1.ipynb"
    assert kept.read_text() == "later work"
    assert (exchange / "inbound" / name).is_dir()
