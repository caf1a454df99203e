"""What chart and admin configured stays theirs, whatever offers come and go."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timezone
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer
from e2xhub.domain.roles import Role
from e2xhub.kubernetes.manifests import _make_spawner
from tests import examples
from tests.examples import DATABASES, ML, member, only_offer, registry_of

NOW = datetime(2026, 11, 2, tzinfo=timezone.utc)
CONFIGURED: dict[str, Any] = {
    "environment": {"TEAM": "hub", "JUPYTER_CONFIG_PATH": "/opt/chart"},
    "volumes": [{"name": "theirs", "emptyDir": {}}],
    "volume_mounts": [{"name": "theirs", "mountPath": "/theirs"}],
    "uid": 4711,
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return examples.load_example()


def offer_of(catalog: Catalog, course: str) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, Role.STUDENT, course)), "alice", NOW)


def make_spawner(**config: Any) -> Any:
    settings = Config({"KubeSpawner": {**CONFIGURED, **config}})
    return _make_spawner(Username.parse("alice"), settings)


def test_nothing_of_an_offer_is_left_when_its_state_is_cleared(catalog: Catalog) -> None:
    spawner = make_spawner()
    names = (*CONFIGURED, "image", "working_dir", "init_containers", "extra_containers")
    before = {name: deepcopy(getattr(spawner, name)) for name in (*names, "modify_pod_hook")}
    spawner.apply_offer(offer_of(catalog, DATABASES), "small")
    assert spawner.uid != 4711
    spawner.clear_state()
    assert {name: getattr(spawner, name) for name in before} == before
    assert spawner.offer is None


async def test_second_offer_has_nothing_of_the_first(catalog: Catalog) -> None:
    spawner = make_spawner()
    spawner.apply_offer(offer_of(catalog, DATABASES), "small")
    spawner.clear_state()
    spawner.apply_offer(offer_of(catalog, ML), "small")
    fresh = make_spawner()
    spawner.api_token = fresh.api_token  # JupyterHub gives each start another one
    again = await spawner.get_pod_manifest()
    fresh.apply_offer(offer_of(catalog, ML), "small")
    assert again.spec.to_dict() == (await fresh.get_pod_manifest()).spec.to_dict()


def test_jupyter_looks_where_the_chart_says_after_it_has_looked_in_ours(catalog: Catalog) -> None:
    spawner = make_spawner()
    spawner.apply_offer(offer_of(catalog, ML), "small")
    assert spawner.environment["JUPYTER_CONFIG_PATH"] == "/etc/e2xhub/nbgrader:/opt/chart"
    spawner.clear_state()
    spawner.apply_offer(offer_of(catalog, DATABASES), "small")
    assert spawner.environment["JUPYTER_CONFIG_PATH"] == "/opt/chart"


async def test_hook_sees_the_pod_before_it_is_made_safe(catalog: Catalog) -> None:
    """What a hook sets counts as if the chart had set it."""
    seen = []

    def hook(_spawner: Any, pod: Any) -> Any:
        seen.append(pod.spec.containers[0].security_context)
        pod.spec.containers[0].security_context = {"allowPrivilegeEscalation": True}
        return pod

    spawner = make_spawner(modify_pod_hook=hook)
    spawner.apply_offer(offer_of(catalog, ML), "small")
    pod = await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
    assert len(seen) == 1
    assert "capabilities" not in pod.spec.containers[0].security_context


async def test_hook_that_returns_nothing_is_refused(catalog: Catalog) -> None:
    spawner = make_spawner(modify_pod_hook=lambda _spawner, _pod: None)
    spawner.apply_offer(offer_of(catalog, ML), "small")
    with pytest.raises(Exception, match="cannot be started safely") as refused:
        await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
    assert "modify_pod_hook returned nothing; expected the pod" in str(refused.value.__cause__)
    assert spawner.failed_start is not None
    assert spawner.failed_start.kind == "NOT_SAFE"
    assert spawner.failed_start.slug == offer_of(catalog, ML).slug
