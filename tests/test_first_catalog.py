"""The page on a first catalog does what it says: its blocks are run one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/how-to/first-catalog.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
NEXT = "=== next block ==="
# As on the page, with the program of this Python.
PROGRAM = 'set -e\ne2xhub() { "$PYTHON" -m e2xhub "$@"; }\n'


def test_every_block_of_the_page_prints_what_stands_below_it(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 7
    script = f"echo '{NEXT}'\n".join(commands for commands, _ in blocks)
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("E2XHUB_")}
    done = subprocess.run(
        ["/bin/sh"],
        input=PROGRAM + script,
        cwd=tmp_path,
        env={**inherited, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)  # of the tables' titles
    for (commands, expected), output in zip(blocks, printed.split(f"{NEXT}\n"), strict=True):
        assert not expected or output == expected, commands
