"""The whole demo: a university, a cluster and three hubs, started and ended together."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from e2xhub.demo.cluster import DemoCluster
from e2xhub.demo.hubs import (
    PORTS_PER_HUB,
    DemoAccounts,
    HubPlan,
    HubProcess,
    check_ports,
)
from e2xhub.demo.proxy import ensure_proxy
from e2xhub.demo.sample_university import University, write_university
from e2xhub.demo.sample_work import issue_sample_codes, write_sample_work
from e2xhub.domain.roles import HubKind
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.exam_records import open_exam_records
from e2xhub.storage.pepper_file import ensure_pepper, load_peppers
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster

Progress = Callable[[str], None]


class DemoRunsError(E2xHubError):
    """Another demo uses the directory; two would take each other's databases and proxies."""


@dataclass(frozen=True, kw_only=True)
class CampusFiles:
    """Where the demo keeps what outlives it."""

    directory: Path

    @property
    def pepper(self) -> Path:
        """The key of the password hashes."""
        return self.directory / "pepper"

    @property
    def database_url(self) -> str:
        """The database of the exam records."""
        return f"sqlite:///{self.directory / 'exam-records.sqlite'}"

    @property
    def environment(self) -> Path:
        """A file for the shell: after `source` of it every command knows its sources."""
        return self.directory / "environment"

    def lock(self) -> IO[str]:
        """A file that is locked until it is closed; raises DemoRunsError where a demo has it."""
        file = (self.directory / "lock").open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise DemoRunsError(
                f"a demo runs in {self.directory} already; "
                "end it, or use another directory with: e2xhub demo --directory DIR --port PORT"
            ) from None
        return file

    def write_environment(self, university: University) -> None:
        """Writes the file for the shell; the URL of a roster may have a password in it."""
        variables = {
            "E2XHUB_CATALOG": university.catalog,
            "E2XHUB_ROSTER": university.roster,
            "E2XHUB_DATABASE_URL": self.database_url,
            "E2XHUB_PEPPER_FILE": self.pepper,
        }
        lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items()]
        self.environment.touch(mode=0o600)
        self.environment.chmod(0o600)  # one that an earlier start made
        self.environment.write_text("".join(lines), encoding="utf-8")

    def ensure_password(self) -> str:
        """The demo accounts' password, made at the first start."""
        file = self.directory / "demo-password"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_hex(5))
        return file.read_text(encoding="ascii")


class Campus:
    """The running demo. After `start`, `accounts`, `hubs` and `cluster` tell what there is."""

    def __init__(
        self,
        *,
        directory: Path,
        base_port: int,
        now: datetime,
        university: University | None = None,
    ) -> None:
        """Keeps files in `directory` and serves pages from `base_port` on.

        Without a `university` a sample is written, whose dates fit `now`.
        """
        self.files = CampusFiles(directory=directory.resolve())
        self._declared = university
        self._base_port = base_port
        self.now = now
        self.hubs: dict[HubKind, HubProcess] = {}
        self.cluster: DemoCluster | None = None
        self._lock: IO[str] | None = None

    async def start(self, progress: Progress) -> None:
        """Starts everything; raises E2xHubError where a part cannot start. Always call `stop`."""
        self.files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self.files.lock()
        check_ports(self._base_port)
        progress("reading the university's catalog and roster")
        self.university = self._declared or write_university(
            self.files.directory / "university", self.now
        )
        self.registry = load_registry(
            catalog=self.university.catalog,
            roster=open_roster(self.university.roster),
            hub=HubKind.ASSIGNMENT,
            checks=[check_pods],
        )
        ensure_pepper(self.files.pepper)
        self.files.write_environment(self.university)
        self.accounts = DemoAccounts(
            usernames=sorted(map(str, self.registry.roster.usernames)),
            password=self.files.ensure_password(),
        )
        progress("looking for JupyterHub's proxy (the first start installs it)")
        proxy_command = await ensure_proxy()
        progress("starting the demo cluster")
        images = [image.name for image in self.registry.catalog.images.values()]
        cluster = self.cluster = DemoCluster(
            directory=self.files.directory / "cluster",
            images=images,
            hidden=[self.files.directory],  # passwords, pepper and databases of the hubs
        )
        if self.is_sample:
            write_sample_work(cluster.find_export("nfs.demo", "/exams"), self.now)
            await asyncio.to_thread(self._note_who_sat)
        await cluster.start()
        progress("starting three hubs")
        for index, kind in enumerate(HubKind):
            plan = self._plan(kind, index, proxy_command, cluster.kubeconfig)
            self.hubs[kind] = HubProcess(plan)
            await self._add_services(plan, cluster)
        await asyncio.gather(*(hub.start() for hub in self.hubs.values()))
        await asyncio.gather(*(hub.wait_until_ready() for hub in self.hubs.values()))

    def _note_who_sat(self) -> None:
        records = open_exam_records(self.files.database_url, load_peppers(self.files.pepper))
        issue_sample_codes(records, self.now)
        records.engine.dispose()

    async def _add_services(self, plan: HubPlan, cluster: DemoCluster) -> None:
        """Those of the chart, so that commands find the hub where they look for it."""
        for component, port in plan.services.items():
            await cluster.add_service(
                f"{plan.kind.value}-{component}",
                labels={"app": "jupyterhub", "release": plan.kind.value, "component": component},
                address="127.0.0.1",
                port=port,
            )

    async def stop(self) -> None:
        """Ends the hubs with their servers, then the cluster; leaves no process."""
        try:
            await asyncio.gather(*(hub.stop() for hub in self.hubs.values()))
        finally:
            if self.cluster is not None:
                await self.cluster.stop()
            if self._lock is not None:
                self._lock.close()

    @property
    def is_sample(self) -> bool:
        """Whether the university is the one that the demo wrote."""
        return self._declared is None

    async def wait_for_a_failure(self) -> HubProcess:
        """Returns the first hub that ends by itself."""
        waits = {asyncio.ensure_future(hub.wait()): hub for hub in self.hubs.values()}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return waits[done.pop()]

    def _plan(
        self, kind: HubKind, index: int, proxy_command: list[str], kubeconfig: Path
    ) -> HubPlan:
        return HubPlan(
            kind=kind,
            port=self._base_port + index * PORTS_PER_HUB,
            directory=self.files.directory / "hubs" / kind.value,
            university=self.university,
            kubeconfig=kubeconfig,
            proxy_command=proxy_command,
            accounts=self.accounts,
            database_url=self.files.database_url,
            pepper_file=self.files.pepper,
        )
