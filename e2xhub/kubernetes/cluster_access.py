"""Connects a command to the cluster that an admin means, and says what a refusal of it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import (
    KUBE_CONFIG_DEFAULT_LOCATION,
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    new_client_from_config,
)

from e2xhub.errors import E2xHubError

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DEFAULT_NAMESPACE = "default"


class ClusterAccessError(E2xHubError):
    """The cluster is not configured, does not answer, or refuses."""


@asynccontextmanager
async def open_cluster(context: str | None = None) -> AsyncIterator[ApiClient]:
    """A client of the cluster that `context`, or else KUBECONFIG or the pod's account, names.

    Raises ClusterAccessError, also for errors of the connection while the client is in use.
    """
    try:
        async with await _connect(context) as client:
            yield client
    except ConfigException as error:
        raise ClusterAccessError(
            f"no cluster is configured: {error}; expected a kubeconfig (KUBECONFIG or "
            "~/.kube/config), or to run in a pod with a service account"
        ) from error
    except (ClientError, OSError, asyncio.TimeoutError) as error:
        raise ClusterAccessError(
            f"the cluster does not answer: {str(error) or type(error).__name__}; "
            "expected what 'kubectl version' reaches"
        ) from error


def find_namespace(context: str | None = None) -> str:
    """The namespace that `context`, or else the kubeconfig or the pod's account, names."""
    if _is_in_cluster(context):
        return _read_namespace()
    try:
        known, current = list_kube_config_contexts(_find_kubeconfig())
    except ConfigException:
        return _DEFAULT_NAMESPACE  # what follows says that there is no cluster
    chosen = next((it for it in known if it["name"] == context), current)
    found = chosen["context"] if chosen else {}
    return str(found.get("namespace") or _DEFAULT_NAMESPACE)


async def _connect(context: str | None) -> ApiClient:
    if not _is_in_cluster(context):
        return await new_client_from_config(_find_kubeconfig(), context)
    configuration = Configuration()
    load_incluster_config(client_configuration=configuration)
    return ApiClient(configuration)


def _is_in_cluster(context: str | None) -> bool:
    named = context is not None or "KUBECONFIG" in os.environ
    return not named and "KUBERNETES_SERVICE_HOST" in os.environ


def _read_namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text(encoding="utf-8").strip() or _DEFAULT_NAMESPACE
    except OSError:
        return _DEFAULT_NAMESPACE


def _find_kubeconfig() -> str:
    """As KUBECONFIG has it now; the client asks for it but once, when it is imported.

    Raises ConfigException where none of the files is there: the client would say it twice.
    """
    paths: str = os.environ.get("KUBECONFIG", KUBE_CONFIG_DEFAULT_LOCATION)
    files = paths.split(os.pathsep)
    if not any(Path(file).expanduser().is_file() for file in files):
        raise ConfigException(f"there is no file {' or '.join(files)}")
    return paths
