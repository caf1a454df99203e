"""A hub does not start with a faulty catalog or roster; its log says where the fault is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2xhub.demo.hubs import HubError, HubProcess
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess
from tests.hub.single_hub import plan_hub, run_hub

pytestmark = pytest.mark.hub


@pytest.fixture
def university(demo: DemoProcess, tmp_path: Path) -> University:
    """A copy of the demo's university, for a test to spoil."""
    copied = University(catalog=tmp_path / "catalog", roster=tmp_path / "roster")
    shutil.copytree(demo.university.catalog, copied.catalog)
    shutil.copytree(demo.university.roster, copied.roster)
    return copied


async def _start_and_fail(demo: DemoProcess, tmp_path: Path, university: University) -> str:
    """The log of a hub that did not start."""
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.ASSIGNMENT, tmp_path / "own", university, kubeconfig)
    with pytest.raises(HubError, match="the assignment hub did not start"):
        async with run_hub(plan):
            pass
    log = HubProcess(plan).log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    return log


async def test_faulty_catalog_is_told_with_file_and_line(
    demo: DemoProcess, university: University, tmp_path: Path
) -> None:
    file = university.catalog / "catalog.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    line = lines.index("  databases:") + 1
    lines.insert(line, "    colour: blue")
    file.write_text("\n".join(lines), encoding="utf-8")

    log = await _start_and_fail(demo, tmp_path, university)
    assert f"{file}:{line + 1}: courses.databases.colour: unknown key 'colour'" in log


async def test_every_fault_of_a_roster_is_told_with_file_and_line(
    demo: DemoProcess, university: University, tmp_path: Path
) -> None:
    file = university.roster / "late.csv"
    file.write_text(
        "username,course,term,role\nA Müller,databases,WS26,student\nzoe,alchemy,WS26,student\n",
        encoding="utf-8",
    )
    log = await _start_and_fail(demo, tmp_path, university)
    assert f"{file}:2: " in log
    assert f"{file}:3: " in log
