"""The demo's three hubs: real JupyterHub processes that load the project's own configuration."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from e2xhub.demo.node.sandbox.syscalls import set_parent_death_signal
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from e2xhub.errors import E2xHubError

PORTS_PER_HUB = 10
_INNER_PORTS = 3  # the pages, the proxy's own API, the hub
_KEPT_VARIABLES = ("HOME", "LANG", "PYTHONPATH", "TMPDIR")
_STOP_SECONDS = 30
_READY_SECONDS = 120
_HUB_CONFIG = Path(__file__).parent / "hub_config.py"


class HubError(E2xHubError):
    """A hub of the demo cannot run."""


@dataclass(frozen=True, kw_only=True)
class DemoAccounts:
    """Who may sign in to the hubs without one-time passwords, and with which shared password."""

    usernames: Sequence[str]
    password: str


@dataclass(frozen=True, kw_only=True)
class HubPlan:
    """What one hub of the demo is: its kind, port, directory and settings."""

    kind: HubKind
    port: int
    directory: Path
    university: University
    kubeconfig: Path
    proxy_command: Sequence[str]
    accounts: DemoAccounts | None
    database_url: str
    pepper_file: Path
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Usernames by group, as a sign-in service would say them."""
    config_directory: Path = field(default_factory=lambda: find_config_directory())
    """The files of configuration that the hub loads after the chart's."""

    @property
    def url(self) -> str:
        """Where the hub is, for a browser."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def services(self) -> dict[str, int]:
        """The ports behind the Services that the chart would make, by their component."""
        return {"proxy-public": self.port, "proxy-api": self.port + 1, "hub": self.port + 2}

    def values(self) -> dict[str, Any]:
        """The values that a chart would have; `custom.e2xhub` is what an admin writes."""
        settings: dict[str, Any] = {
            "hub": self.kind.value,
            "catalog": str(self.university.catalog),
            "roster": str(self.university.roster),
            "database_url": self.database_url,
            "pepper_file": str(self.pepper_file),
        }
        if self.kind is HubKind.EXAM:
            # The demo's proxy. Pods share this machine's network and could pose as the proxy: on a
            # real cluster, name addresses that only the proxy has.
            settings["trusted_proxies"] = ["127.0.0.1/32"]
            settings["public_url"] = self.url
            settings |= self._staff_settings()
        demo: dict[str, Any] = {
            "name": self.kind.value,
            "port": self.port,
            "proxyCommand": list(self.proxy_command),
            "configDirectory": str(self.config_directory),
        }
        if self.groups:
            demo["groups"] = {name: {"users": list(users)} for name, users in self.groups.items()}
        if self.accounts:
            demo["accounts"] = {
                "usernames": list(self.accounts.usernames),
                "password": self.accounts.password,
            }
        return {"custom": {"e2xhub": settings}, "demo": demo}

    def _staff_settings(self) -> dict[str, str]:
        """Staff use the demo's accounts, without a second factor: nobody needs an app to try it."""
        if self.accounts is None:
            return {}
        return {"staff_authenticator": "shared-password", "second_factor": "off"}


def find_config_directory() -> Path:
    """The project's `jupyterhub_config.d`: in a checkout, or installed with the package."""
    installed = Path(sysconfig.get_path("data")) / "share" / "e2xhub" / "jupyterhub_config.d"
    checkout = Path(__file__).parents[2] / "jupyterhub_config.d"
    for directory in (checkout, installed):
        if directory.is_dir():
            return directory
    raise HubError(f"{installed} is missing; install e2xhub again with: pip install 'e2xhub[demo]'")


def check_ports(base: int) -> None:
    """Raises HubError where a port that the demo needs is taken."""
    for index in range(len(HubKind)):
        for port in range(
            base + index * PORTS_PER_HUB, base + index * PORTS_PER_HUB + _INNER_PORTS
        ):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise HubError(
                        f"port {port} is taken; end what uses it, or choose other ports with: "
                        f"e2xhub demo --port {base + 1000}"
                    ) from None


class HubProcess:
    """One running hub; its log is `hub.log` in its directory."""

    def __init__(self, plan: HubPlan) -> None:
        self.plan = plan
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """The hub's log."""
        return self.plan.directory / "hub.log"

    async def start(self) -> None:
        """Starts the hub; `wait_until_ready` tells when it answers."""
        self.plan.directory.mkdir(parents=True, exist_ok=True)
        values = self.plan.directory / "values.yaml"
        descriptor = os.open(values, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(self.plan.values(), file)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jupyterhub", "-f", str(_HUB_CONFIG)),
                cwd=self.plan.directory,
                env=self._environment(values),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which ends its hubs in order
                preexec_fn=_end_with_the_demo,
            )

    async def wait_until_ready(self) -> None:
        """Returns when the hub answers; raises HubError with its last words where it does not."""
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        async with aiohttp.ClientSession() as session:
            while not await _answers(session, f"{self.plan.url}hub/health"):
                ended = self._process.returncode is not None
                if ended or asyncio.get_running_loop().time() > deadline:
                    raise HubError(
                        f"the {self.plan.kind.value} hub did not start:\n{self._last_words()}"
                    )
                await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Ends the hub and its servers, by force where it takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except asyncio.TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def wait(self) -> int:
        """Returns the exit status when the hub ends."""
        assert self._process is not None
        return await self._process.wait()

    def _environment(self, values: Path) -> dict[str, str]:
        """What the hub may know of this process's environment, and where its cluster is."""
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        programs = str(Path(sys.executable).parent)
        return kept | {
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "KUBECONFIG": str(self.plan.kubeconfig),
            "E2XHUB_DEMO_VALUES": str(values),
            "PYTHONUNBUFFERED": "1",
        }

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*lines[-15:], f"(the whole log: {self.log})"])


def _end_with_the_demo() -> None:
    set_parent_death_signal(signal.SIGTERM)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
