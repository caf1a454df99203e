"""`configure` for a hub that has been configured: the same goes on, anything else is refused."""

from __future__ import annotations

import threading
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub import configure
from e2xhub.config import HubDoesNotStartError
from e2xhub.storage.pepper_file import ensure_pepper


@pytest.fixture
def settings(catalog_file: Path, roster_directory: Path, tmp_path: Path) -> dict[str, Any]:
    """The settings of an exam hub."""
    ensure_pepper(tmp_path / "pepper")
    return {
        "hub": "exam",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 60,
        "database_url": f"sqlite:///{tmp_path / 'e2xhub.sqlite'}",
        "pepper_file": str(tmp_path / "pepper"),
        "trusted_proxies": ["localhost"],
    }


def watching() -> int:
    """How many threads look at files, records and names of proxies."""
    names = [thread.name for thread in threading.enumerate()]
    return sum(map(names.count, ("e2xhub-registry", "e2xhub-records", "e2xhub-proxies")))


def test_second_call_reads_and_watches_nothing_anew(settings: dict[str, Any]) -> None:
    c, before = Config(), watching()
    configure(c, **settings)
    desk, registry = c.OneTimePasswordAuthenticator.desk, c.E2xSpawner.registry
    assert watching() == before + 3
    configure(c, **settings)
    assert c.OneTimePasswordAuthenticator.desk is desk
    assert c.E2xSpawner.registry is registry
    assert watching() == before + 3


def test_second_call_looks_again_for_contradictions(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    c.JupyterHub.services = [{"name": "jupyterhub-idle-culler"}]
    with pytest.raises(HubDoesNotStartError, match=r"cull\.enabled: false"):
        configure(c, **settings)


def test_other_settings_are_named_without_their_values(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    other = {**settings, "database_url": "postgresql://hub:geheim@db/e2x", "most_loss_percent": 5}
    with pytest.raises(HubDoesNotStartError) as caught:
        configure(c, **other)
    assert str(caught.value) == (
        "e2xhub:\ne2xhub.configure is called twice, with different settings (most_loss_percent, "
        "database_url); remove one of the calls, they are in the image's jupyterhub_config.d and "
        "in the chart's hub.extraConfig"
    )


def test_copies_of_a_configuration_share_what_was_begun(settings: dict[str, Any]) -> None:
    """traitlets copies it for every spawner."""
    c = Config()
    configure(c, **settings)
    copied = deepcopy(c)
    configure(copied, **settings)
    assert copied.E2xSpawner.registry is c.E2xSpawner.registry


def test_database_may_come_from_the_environment(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")
    configure(Config(), **{**settings, "database_url": ""})
    assert (tmp_path / "other.sqlite").is_file()


def test_setting_of_a_database_counts_more_than_the_environment(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")
    configure(Config(), **settings)
    assert not (tmp_path / "other.sqlite").exists()
