"""What stands for a container image in the demo: a command and an environment on this machine.

The software of every image is the machine's own; an image only says which program runs and which
directories it needs that containers do not see by themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


def interpreter_paths() -> tuple[str, ...]:
    """The directories of the running Python: a virtual environment and what it is made from."""
    prefixes = (sys.prefix, sys.base_prefix)
    return tuple(dict.fromkeys([*prefixes, *map(os.path.realpath, prefixes)]))


@dataclass(frozen=True, kw_only=True)
class Image:
    """A container image.

    Attributes: command: runs when the manifest names neither `command` nor `args`. environment: the
        image's own variables, at least PATH and HOME. working_directory: where the command starts;
        empty and writable unless a volume is mounted there. host_paths: directories of the machine
        that the container may read wherever they are; by default the running Python's, which may be
        below /home or /tmp.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    working_directory: str = "/home/jovyan"
    host_paths: Sequence[str] = field(default_factory=interpreter_paths)


def find_image(images: Mapping[str, Image], name: str) -> Image | None:
    """Return the image of that very name, else the first whose name is a pattern that matches."""
    if name in images:
        return images[name]
    return next((image for key, image in images.items() if fnmatchcase(name, key)), None)
