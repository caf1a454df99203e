"""Accounts of a cluster with the rights of a role, as the hub's account has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    Configuration,
    CoreV1Api,
    RbacAuthorizationV1Api,
)

from .conftest import Cluster
from .manifests import Manifest

GROUP = "rbac.authorization.k8s.io"
POLICY_GROUP = "networking.k8s.io"
WAIT_SECONDS = 20.0


def make_role(name: str, *rules: Manifest) -> Manifest:
    return {"metadata": {"name": name}, "rules": list(rules)}


def make_rule(group: str, resource: str, *verbs: str, **fields: Any) -> Manifest:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **fields}


def make_binding(role: str, account: str, kind: str = "Role") -> Manifest:
    return {
        "metadata": {"name": role},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account}],
    }


async def grant(cluster: Cluster, account: str, *rules: Manifest) -> None:
    """Give an account a role of its own in the test's namespace."""
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    await rbac.create_namespaced_role(cluster.namespace, make_role(account, *rules))
    await rbac.create_namespaced_role_binding(cluster.namespace, make_binding(account, account))


@asynccontextmanager
async def account_client(cluster: Cluster, account: str) -> AsyncIterator[ApiClient]:
    """A client that sends an account's token; the account is made where there is none."""
    core, namespace = cluster.core, cluster.namespace
    try:
        await core.create_namespaced_service_account(namespace, {"metadata": {"name": account}})
    except ApiException as error:
        if error.status != 409:
            raise
    async with ApiClient(await _configuration_of(cluster, account)) as client:
        await _until_known(client)
        yield client


async def _configuration_of(cluster: Cluster, account: str) -> Configuration:
    issued = await cluster.core.create_namespaced_service_account_token(
        account, cluster.namespace, {"spec": {"expirationSeconds": 3600}}
    )
    administrators = cluster.api_client.configuration
    configuration = Configuration(host=administrators.host)
    configuration.ssl_ca_cert = administrators.ssl_ca_cert
    configuration.disable_strict_ssl_verification = administrators.disable_strict_ssl_verification
    configuration.api_key = {"BearerToken": f"Bearer {issued.status.token}"}
    return configuration


async def _until_known(client: ApiClient) -> None:
    """Wait until the server lets the token in: a real one learns of new accounts by a watch."""

    async def ask() -> bool:
        try:
            await CoreV1Api(client).get_api_resources()
        except ApiException as error:
            if error.status == 401:
                return False
            raise
        return True

    await until(ask)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async def poll() -> None:
        while not await condition():
            await asyncio.sleep(0.05)

    await asyncio.wait_for(poll(), WAIT_SECONDS)
