"""Runs a command that ends when its parent does: `python end_with_parent.py COMMAND [ARGUMENT …]`.

JupyterHub's proxy would outlive a hub that was killed, and keep its ports.
"""

from __future__ import annotations

import os
import signal
import sys

from e2xhub.demo.node.sandbox.syscalls import set_parent_death_signal


def main(command: list[str]) -> None:
    """Becomes `command`."""
    parent = os.getppid()
    set_parent_death_signal(signal.SIGTERM)
    if os.getppid() == parent:  # else the parent ended before it could be watched
        os.execv(command[0], command)  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
