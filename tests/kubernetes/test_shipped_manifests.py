"""Every manifest that we ship or make is one by Kubernetes' published schemas, to the letter."""

from __future__ import annotations

import copy

import kubernetes_validate
import pytest

from tests.kubernetes.manifests import Manifest
from tests.kubernetes.shipped_manifests import SHIPPED

# The oldest that zero-to-jupyterhub takes, and the newest whose schemas are published.
VERSIONS = ["1.28", kubernetes_validate.latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifests", SHIPPED.values(), ids=SHIPPED.keys())
def test_manifest_is_valid_and_has_no_unknown_field(
    manifests: list[Manifest], version: str
) -> None:
    assert manifests
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_a_field_that_is_misspelt() -> None:
    policy = copy.deepcopy(SHIPPED["policies"][0])
    policy["spec"]["egres"] = policy["spec"].pop("egress")
    with pytest.raises(kubernetes_validate.ValidationError, match="'egres' was unexpected"):
        kubernetes_validate.validate(policy, VERSIONS[0], strict=True)
