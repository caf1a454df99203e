"""Mounts without mount namespaces: say where the volumes really are instead of moving them.

Where the kernel grants no namespaces, every mount path in a container's environment, command line
and working directory is replaced by the volume's real directory. A program that has a path built in
does not find it, nothing is read-only, and containers can see each other's files: it is good enough
to look at, not to keep people apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from e2xhub.demo.node.sandbox.spec import SandboxMount, SandboxSpec


def locate_mounts(
    mounts: Sequence[SandboxMount], scratch: Sequence[str], root: Path
) -> dict[str, str]:
    """Return the real path of every mount path; make `scratch` directories below `root`."""
    locations = {mount.target: str(Path(mount.source) / mount.sub_path) for mount in mounts}
    for path in scratch:
        if path == "/" or rewrite(path, locations) != path:
            continue
        real = root / path.lstrip("/")
        real.mkdir(parents=True, exist_ok=True)
        locations[path] = str(real)
    return locations


def link_nested_mounts(locations: Mapping[str, str]) -> None:
    """Let a mount inside another mount be found there too, by a link in the outer volume."""
    for target, real in locations.items():
        outer = {path: place for path, place in locations.items() if path != target}
        link = Path(rewrite(target, outer))
        if str(link) == target:
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        if link.is_dir() and not any(link.iterdir()):
            link.rmdir()
        if not link.exists():
            link.symlink_to(real)


def rewrite(text: str, locations: Mapping[str, str]) -> str:
    """Replace every mount path in a text, the longest first, where it is a path of its own."""
    if not locations:
        return text
    paths = sorted(locations, key=len, reverse=True)
    pattern = "|".join(map(re.escape, paths))
    return re.sub(rf"(?<![\w./-])({pattern})(?![\w.-])", lambda m: locations[m[1]], text)


def rewrite_spec(spec: SandboxSpec, root: Path) -> SandboxSpec:
    """Return the container as it runs without isolation, its scratch directories below `root`."""
    scratch = [*spec.scratch, spec.working_directory]
    locations = locate_mounts(spec.mounts, scratch, root)
    link_nested_mounts(locations)
    return replace(
        spec,
        isolated=False,
        command=[rewrite(word, locations) for word in spec.command],
        environment={name: rewrite(v, locations) for name, v in spec.environment.items()},
        working_directory=rewrite(spec.working_directory, locations),
        mounts=(),
    )
