"""A hub of its own with further settings: what an admin writes beside e2xhub's own lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2xhub.demo.hubs import DemoAccounts, HubPlan, find_config_directory
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.cluster_client import ClusterClient
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import PASSWORD, plan_hub

MOST_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ConfiguredPlan(HubPlan):
    """A hub with further settings of e2xhub."""

    settings: Mapping[str, Any]

    def values(self) -> dict[str, Any]:
        """The chart's values."""
        values = super().values()
        values["custom"]["e2xhub"].update(self.settings)
        return values


@dataclass(frozen=True, kw_only=True)
class OwnHub:
    """A hub with a catalog and a roster of its own, in the demo's cluster."""

    plan: ConfiguredPlan
    catalog: Path
    roster: Path
    cluster: ClusterClient
    term: str

    @classmethod
    async def plan_in(
        cls,
        directory: Path,
        demo: DemoProcess,
        *,
        kind: HubKind = HubKind.ASSIGNMENT,
        usernames: Sequence[str],
        lines: str = "",
        **settings: Any,
    ) -> OwnHub:
        """A hub that nobody is on the roster of; `lines` are Python and run after e2xhub."""
        catalog, roster = directory / "catalog.yaml", directory / "roster.csv"
        catalog.write_bytes((demo.university.catalog / "catalog.yaml").read_bytes())
        replace_file(roster, "username,course,term,role\n")
        kubeconfig = demo.directory / "cluster" / "kubeconfig"
        university = University(catalog=catalog, roster=roster)
        plan = await plan_hub(kind, directory / "own", university, kubeconfig)
        accounts = DemoAccounts(usernames=list(usernames), password=PASSWORD)
        given = {
            **vars(plan),
            "accounts": accounts if plan.accounts else None,
            "config_directory": _write_lines(directory / "config.d", lines),
        }
        configured = ConfiguredPlan(
            **given, settings={"reload_seconds": 0.1, "most_loss_percent": 100, **settings}
        )
        return cls(
            plan=configured,
            catalog=catalog,
            roster=roster,
            cluster=demo.cluster,
            term=demo.only_term_id("databases"),
        )

    def enrol(self, *memberships: str) -> None:
        """Makes these the whole roster: `theo databases` and the like."""
        rows = [f"{','.join(words.split())},{self.term},student\n" for words in memberships]
        replace_file(self.roster, "username,course,term,role\n" + "".join(rows))

    def change_catalog(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Writes the catalog again, as `change` left it."""
        declared = yaml.safe_load(self.catalog.read_text(encoding="utf-8"))
        change(declared)
        replace_file(self.catalog, yaml.safe_dump(declared))

    def slug(self, course: str) -> str:
        """The slug of a student's server."""
        return f"{course}/{self.term}/student"

    def sign_in(self, username: str) -> HubSession:
        """A browser of `username`."""
        session = HubSession(self.plan.url)
        session.sign_in(username, PASSWORD)
        assert session.is_signed_in
        return session

    @property
    def log(self) -> str:
        """What the hub has logged."""
        return (self.plan.directory / "hub.log").read_text(encoding="utf-8", errors="replace")


def replace_file(path: Path, text: str) -> None:
    """Replaces a file at once, as a careful program does."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def wait_until(is_so: Callable[[], Any], what: str) -> None:
    """Returns when `is_so` says yes; fails after a while, and says what was awaited."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {MOST_SECONDS} s"
        time.sleep(0.1)


def _write_lines(directory: Path, lines: str) -> Path:
    directory.mkdir()
    for file in find_config_directory().glob("*.py"):
        (directory / file.name).write_bytes(file.read_bytes())
    (directory / "99-of-the-admin.py").write_text(lines, encoding="utf-8")
    return directory
