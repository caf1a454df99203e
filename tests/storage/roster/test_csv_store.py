"""A place that holds no roster yet is empty for who asks so, and a fault for a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.roster.csv_store import RosterFiles


@pytest.mark.parametrize("name", [".", "new.csv"])
def test_place_that_could_hold_a_roster_may_be_an_empty_one(
    tmp_path: Path, small_catalog: Catalog, name: str
) -> None:
    store = RosterFiles(tmp_path / name)
    assert len(store.load(small_catalog, may_be_new=True)) == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FaultsFoundError):
        store.load(small_catalog)


@pytest.mark.parametrize("name", ["none/new.csv", "none", "new.txt", "loop.csv"])
def test_place_that_could_hold_no_roster_is_always_a_fault(
    tmp_path: Path, small_catalog: Catalog, name: str
) -> None:
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(FaultsFoundError, match="cannot be read: "):
        RosterFiles(tmp_path / name).load(small_catalog, may_be_new=True)
