"""Runs the real `kubectl` on a cluster of the contract tests."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.kubernetes.conftest import Cluster
from tests.kubernetes.manifests import Manifest
from tests.programs import find_program

# Older ones look for OpenAPI 2 before they send a dry run, which the demo's API server has not.
_OLDEST_FOR_THE_DEMO = 27
_DEMO_VERSION = 36


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """`kubectl` with a kubeconfig, in one namespace."""

    program: str
    kubeconfig: Path
    namespace: str
    cache: Path

    @classmethod
    async def find(cls, cluster: Cluster, cache: Path) -> Kubectl:
        """The one that is installed; the test is skipped where it is too old for the cluster."""
        program = find_program("kubectl")
        found = cls(
            program=program,
            kubeconfig=cluster.kubeconfig,
            namespace=cluster.namespace,
            cache=cache,
        )
        _, output, _ = await found.run("version", "--client", "--output=json")
        minor = int(json.loads(output)["clientVersion"]["minor"].rstrip("+"))
        if minor < _OLDEST_FOR_THE_DEMO and cluster.minor_version == _DEMO_VERSION:
            pytest.skip(f"kubectl 1.{minor} needs OpenAPI 2, which the demo's API server has not")
        return found

    async def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Exit code, output and errors of `kubectl ARGUMENTS`."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace={self.namespace}",
            f"--cache-dir={self.cache}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    async def apply(self, manifests: list[Manifest], *options: str) -> tuple[int, str, str]:
        """What comes of `kubectl apply` of the objects; a field that is not known is refused."""
        text = yaml.safe_dump_all(manifests)
        return await self.run(
            "apply", "--validate=true", "--output=name", *options, "--filename=-", stdin=text
        )
