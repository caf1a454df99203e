"""Accounts of the demo's API server, where they differ from Kubernetes or a test looks inside."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from e2xhub.demo.api.authentication import Tokens
from e2xhub.demo.api.authorization import ADMINISTRATORS, Authorizer, User, find_verb
from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.object_registry import ObjectRegistry
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.requests import ObjectPath, parse_object_path
from e2xhub.demo.api.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    SERVICE_ACCOUNTS,
)

ACCOUNT = ObjectKey(SERVICE_ACCOUNTS, "default", "default")
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"


@pytest.fixture
def registry() -> ObjectRegistry:
    """A cluster with its first namespace and an account in it."""
    registry = ObjectRegistry(ObjectStore(history_size=10))
    registry.create(NAMESPACES, "", {"metadata": {"name": "default"}})
    return registry


@pytest.fixture
def tokens(registry: ObjectRegistry) -> Tokens:
    return Tokens(registry.store, administrator_token="master")


@pytest.fixture
def everywhere(registry: ObjectRegistry) -> Authorizer:
    """A cluster in which every account has every right."""
    registry.create(CLUSTER_ROLES, "", {"metadata": {"name": "all"}, "rules": [EVERYTHING]})
    binding = {
        "metadata": {"name": "all"},
        "roleRef": {"kind": "ClusterRole", "name": "all"},
        "subjects": [{"kind": "Group", "name": "system:serviceaccounts"}],
    }
    registry.create(CLUSTER_ROLE_BINDINGS, "", binding)
    return Authorizer(registry.store)


def issue(tokens: Tokens, seconds: int = 600) -> str:
    token: str = tokens.issue(ACCOUNT, {"spec": {"expirationSeconds": seconds}})["status"]["token"]
    return token


def parse(path: str) -> ObjectPath:
    parsed = parse_object_path(path)
    assert parsed is not None
    return parsed


def test_the_administrator_may_do_everything(registry: ObjectRegistry, tokens: Tokens) -> None:
    user = tokens.authenticate("Bearer master")
    assert ADMINISTRATORS in user.groups
    Authorizer(registry.store).check(user, "create", parse(ROLES))


def test_an_account_is_known_by_its_token(tokens: Tokens) -> None:
    user = tokens.authenticate(f"Bearer {issue(tokens)}")
    assert user.name == "system:serviceaccount:default:default"
    assert user.groups == {
        "system:authenticated",
        "system:serviceaccounts",
        "system:serviceaccounts:default",
    }


def test_a_token_is_kept_as_a_hash_only(tokens: Tokens) -> None:
    token = issue(tokens)
    assert token not in repr(vars(tokens))


def test_an_account_that_was_made_anew_has_other_tokens(
    registry: ObjectRegistry, tokens: Tokens
) -> None:
    token = issue(tokens)
    registry.store.remove(ACCOUNT)
    registry.create(SERVICE_ACCOUNTS, "default", {"metadata": {"name": "default"}})
    with pytest.raises(ApiStatusError, match="Unauthorized"):
        tokens.authenticate(f"Bearer {token}")


def test_a_token_ends_when_it_says(registry: ObjectRegistry) -> None:
    began = datetime(2027, 2, 15, 9, tzinfo=timezone.utc)
    now = [began]
    tokens = Tokens(registry.store, administrator_token="master", clock=lambda: now[0])
    status = tokens.issue(ACCOUNT, {"spec": {"expirationSeconds": 600}})["status"]
    assert status["expirationTimestamp"] == "2027-02-15T09:10:00Z"

    now[0] = began + timedelta(seconds=599)
    assert tokens.authenticate(f"Bearer {status['token']}")
    now[0] = began + timedelta(seconds=600)
    with pytest.raises(ApiStatusError, match="Unauthorized"):
        tokens.authenticate(f"Bearer {status['token']}")


@pytest.mark.parametrize("seconds", [599, 2**32 + 1])
def test_a_token_is_neither_short_nor_endless(tokens: Tokens, seconds: int) -> None:
    with pytest.raises(ApiStatusError) as caught:
        issue(tokens, seconds)
    assert caught.value.code == 422


@pytest.mark.parametrize("body", [None, [], {"spec": "x"}, {"spec": {"expirationSeconds": True}}])
def test_a_request_for_a_token_that_is_none_is_400(tokens: Tokens, body: object) -> None:
    with pytest.raises(ApiStatusError) as caught:
        tokens.issue(ACCOUNT, body)
    assert caught.value.code == 400


def test_whoever_may_do_everything_reads_roles_and_writes_none(
    tokens: Tokens, everywhere: Authorizer
) -> None:
    # stricter than Kubernetes, where accounts pass on what they have
    user = tokens.authenticate(f"Bearer {issue(tokens)}")
    everywhere.check(user, "create", parse("/api/v1/namespaces/default/pods"))
    everywhere.check(user, "list", parse(ROLES))
    for verb in ("create", "update", "patch", "delete", "deletecollection"):
        with pytest.raises(ApiStatusError) as caught:
            everywhere.check(user, verb, parse(ROLES))
        assert caught.value.code == 403


def test_somebody_without_a_role_may_do_nothing(everywhere: Authorizer) -> None:
    stranger = User(name="stranger", groups=frozenset({"system:authenticated"}))
    with pytest.raises(ApiStatusError) as caught:
        everywhere.check(stranger, "list", parse("/api/v1/pods"))
    assert caught.value.message == (
        'pods is forbidden: User "stranger" cannot list resource "pods" in API group "" '
        "at the cluster scope"
    )


@pytest.mark.parametrize(
    ("method", "path", "is_watch", "verb"),
    [
        ("GET", "/api/v1/pods", False, "list"),
        ("GET", "/api/v1/pods", True, "watch"),
        ("GET", "/api/v1/namespaces/a/pods/b", False, "get"),
        ("GET", "/api/v1/namespaces/a/pods/b", True, "get"),
        ("POST", "/api/v1/namespaces/a/pods", False, "create"),
        ("PUT", "/api/v1/namespaces/a/pods/b", False, "update"),
        ("PATCH", "/api/v1/namespaces/a/pods/b/status", False, "patch"),
        ("DELETE", "/api/v1/namespaces/a/pods/b", False, "delete"),
        ("DELETE", "/api/v1/namespaces/a/pods", False, "deletecollection"),
    ],
)
def test_every_request_needs_its_verb(method: str, path: str, is_watch: bool, verb: str) -> None:
    assert find_verb(method, parse(path), is_watch=is_watch) == verb
