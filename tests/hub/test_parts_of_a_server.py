"""A real server with what the catalog can add: files to begin with, a companion, an ended term."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2xhub.demo.hubs import HubPlan
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import PASSWORD, plan_hub, run_hub

pytestmark = pytest.mark.hub

SERVER = "/hub/api/users/theo/server"
CONTENTS = "/user/theo/api/contents"
MOST_SECONDS = 60
READ_ONLY = "you can read everything until"


async def test_server_has_what_the_catalog_adds_and_is_read_only_after_the_term(
    demo: DemoProcess, tmp_path: Path
) -> None:
    university = University(catalog=tmp_path / "catalog.yaml", roster=demo.university.roster)
    shutil.copy(demo.university.catalog / "catalog.yaml", university.catalog)
    change(university.catalog, add_parts)
    export = demo.directory / "cluster" / "node" / "nfs" / "nfs.demo" / "export"
    put(export / "seeds" / "databases" / "read me.txt", "Welcome")
    put(export / "seeds" / "databases" / "deep" / "er.txt", "Deep")
    plan = await plan_hub(
        HubKind.ASSIGNMENT, tmp_path / "own", university, demo.directory / "cluster" / "kubeconfig"
    )
    async with run_hub(plan):
        await asyncio.to_thread(_live_through_a_term, plan, demo, export)


def _live_through_a_term(plan: HubPlan, demo: DemoProcess, export: Path) -> None:
    theo = HubSession(plan.url)
    theo.sign_in("theo", PASSWORD)
    slug = f"databases/{demo.only_term_id('databases')}/student"
    _start(theo, slug)
    assert _read(theo, "start/read me.txt") == "Welcome"
    assert _read(theo, "start/deep/er.txt") == "Deep"
    wait_for(lambda: (export / "companions" / "theo" / "ready").exists())

    _write(theo, "start/read me.txt", "Mine")
    for path in ("start/deep/er.txt", "start/deep"):
        assert theo.call_api("DELETE", f"{CONTENTS}/{path}").status == 204
    _stop(theo)
    _start(theo, slug)
    assert _read(theo, "start/read me.txt") == "Mine"
    assert theo.get(f"{CONTENTS}/start/deep").status == 404

    _stop(theo)
    change(plan.university.catalog, end_the_term)
    wait_for(lambda: READ_ONLY in theo.get("/hub/spawn").text)
    _start(theo, slug)
    assert _read(theo, "start/read me.txt") == "Mine"
    assert _put(theo, "start/read me.txt", "Late") in (403, 500)
    assert (export / "homes/assignment/student/theo/start/read me.txt").read_text() == "Mine"
    assert theo.get("/user/theo/lab").status == 200
    _stop(theo)


def _start(theo: HubSession, slug: str) -> None:
    answer = theo.call_api("POST", SERVER, {"profile": slug})
    assert answer.status in (201, 202), answer
    wait_for(lambda: theo.get("/hub/api/users/theo").json()["server"] is not None)
    theo.get("/user/theo/lab")  # signs in to the server


def _stop(theo: HubSession) -> None:
    answer = theo.call_api("DELETE", SERVER)
    assert answer.status in (202, 204), answer
    wait_for(lambda: theo.get("/hub/api/users/theo").json()["servers"] == {})


def _read(theo: HubSession, path: str) -> str:
    answer = theo.get(f"{CONTENTS}/{path.replace(' ', '%20')}")
    assert answer.status == 200, answer
    text: str = answer.json()["content"]
    return text


def _write(theo: HubSession, path: str, text: str) -> None:
    assert _put(theo, path, text) == 200


def _put(theo: HubSession, path: str, text: str) -> int:
    file = {"type": "file", "format": "text", "content": text}
    status: int = theo.call_api("PUT", f"{CONTENTS}/{path.replace(' ', '%20')}", file).status
    return status


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.3)


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def change(catalog: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Changes a catalog's file, at once as a careful program does."""
    declared = yaml.safe_load(catalog.read_text(encoding="utf-8"))
    edit(declared)
    new = catalog.with_suffix(".new")
    new.write_text(yaml.safe_dump(declared), encoding="utf-8")
    new.replace(catalog)


def add_parts(declared: dict[str, Any]) -> None:
    course = declared["courses"]["databases"]
    course["seeds"] = {
        "start": {"volume": "files", "path": "seeds/{course}", "to": "/home/{username}/start"}
    }
    # Paths that the tests read are below the directory in which JupyterLab starts.
    course["home"] = "/home/{username}"
    home = deepcopy(declared["defaults"]["mounts"]["home"])
    course["mounts"] = {"home": {**home, "mount_at": "/home/{username}"}}
    course["archive_days"] = 3650
    course["extra_containers"] = {
        "companion": {
            "image": "notebook",
            "command": ["/bin/sh", "-c", "echo here > /data/ready; sleep 600"],
            "memory": "64M",
            "cpu": 0.05,
            "mounts": {
                "data": {
                    "volume": "files",
                    "path": "companions/{username}",
                    "mount_at": "/data",
                    "access": {"read_write": ["student"]},
                }
            },
        }
    }


def end_the_term(declared: dict[str, Any]) -> None:
    (term,) = declared["courses"]["databases"]["terms"].values()
    term.update(start="2020-10-01", end="2021-03-31")
