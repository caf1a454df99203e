from __future__ import annotations

import pytest

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.volume_validation import check_relative_path, check_volume


@pytest.mark.parametrize("path", [None, "", "a", "a/b", "..a", "a..b", "a/...", "."])
def test_paths_inside_a_volume_are_fine(path: str | None) -> None:
    assert list(check_relative_path(path, "subPath")) == []


@pytest.mark.parametrize("path", ["/", "/a", "..", "../a", "a/..", "a/../b"])
def test_paths_out_of_a_volume_are_faults(path: str) -> None:
    assert [fault.field for fault in check_relative_path(path, "subPath")] == ["subPath"]


@pytest.mark.parametrize(
    ("volume", "fields"),
    [
        ({"name": "a", "emptyDir": {}}, []),
        ({"name": "a", "csi": {"driver": "anything"}}, []),
        ({"name": "a"}, ["volume"]),
        ({"name": "a", "emptyDir": {}, "nfs": {}}, ["volume.nfs"]),
        (
            {"name": "a", "configMap": {"name": "b", "defaultMode": 0o1000}},
            ["volume.configMap.defaultMode"],
        ),
        (
            {"name": "a", "secret": {"secretName": "b", "items": [{"key": "c", "path": "../d"}]}},
            ["volume.secret.items[0].path"],
        ),
        (
            {"name": "a", "secret": {"secretName": "b", "items": [{"path": "d"}]}},
            ["volume.secret.items[0].key"],
        ),
    ],
)
def test_sources_of_volumes(volume: Manifest, fields: list[str]) -> None:
    assert [fault.field for fault in check_volume(volume, "volume")] == fields
