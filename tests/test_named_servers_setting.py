"""The setting `named_servers`: it decides alone, and contradictions are faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub import configure
from e2xhub.config import HubDoesNotStartError
from e2xhub.storage.pepper_file import ensure_pepper


@pytest.fixture
def settings(catalog_file: Path, roster_directory: Path) -> dict[str, Any]:
    """The settings of an assignment hub."""
    return {
        "hub": "assignment",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
    }


def fault_of(c: Config, **settings: Any) -> str:
    with pytest.raises(HubDoesNotStartError) as caught:
        configure(c, **settings)
    return str(caught.value).removeprefix("e2xhub:\n")


def test_there_are_none_unless_somebody_says_so(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    assert c.E2xSpawner.named_servers == 0
    assert "allow_named_servers" not in c.JupyterHub


@pytest.mark.parametrize("hub", ["assignment", "grading"])
@pytest.mark.parametrize("twice", [False, True])
def test_jupyterhub_counts_as_many_as_the_setting_says(
    settings: dict[str, Any], hub: str, twice: bool
) -> None:
    c = Config()
    c.JupyterHub.allow_named_servers = False  # zero-to-jupyterhub always says something
    for _ in range(1 + twice):
        configure(c, **{**settings, "hub": hub, "named_servers": 3})
    assert c.JupyterHub.allow_named_servers is True
    assert c.JupyterHub.named_server_limit_per_user == 3
    assert c.E2xSpawner.named_servers == 3


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_another_limit_is_a_fault(settings: dict[str, Any], limit: int) -> None:
    c = Config()
    c.JupyterHub.named_server_limit_per_user = limit
    assert fault_of(c, **settings, named_servers=3) == (
        "JupyterHub.named_server_limit_per_user (hub.namedServerLimitPerUser) is "
        f"{limit} and e2xhub's named_servers is 3; remove the former"
    )
    assert c.JupyterHub.named_server_limit_per_user == limit


def test_named_servers_of_the_chart_need_a_number(settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.allow_named_servers = True
    assert fault_of(c, **settings) == (
        "JupyterHub.allow_named_servers (hub.allowNamedServers) is on and e2xhub's named_servers "
        "is 0, none; set named_servers to how many a person may have"
    )


@pytest.fixture
def exam_settings(settings: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The settings of an exam hub."""
    pepper = tmp_path / "pepper"
    ensure_pepper(pepper)
    database_url = f"sqlite:///{tmp_path / 'e2xhub.sqlite'}"
    return {**settings, "hub": "exam", "database_url": database_url, "pepper_file": str(pepper)}


def test_exam_hub_switches_them_off(exam_settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.allow_named_servers = True
    configure(c, **exam_settings)
    assert c.JupyterHub.allow_named_servers is False
    assert c.E2xSpawner.named_servers == 0


def test_exam_hub_with_named_servers_is_a_fault(exam_settings: dict[str, Any]) -> None:
    assert fault_of(Config(), **exam_settings, named_servers=1) == (
        "named_servers: an exam hub has no named servers; remove named_servers"
    )


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (-1, "-1 is too small; expected at least 0"),
        (101, "101 is too large; expected at most 100"),
        ("many", "'many' is no whole number"),
        (1.5, "1.5 is no whole number"),
    ],
)
def test_number_that_is_none_is_a_fault(
    settings: dict[str, Any], number: object, fault: str
) -> None:
    assert fault_of(Config(), **settings, named_servers=number) == f"named_servers: {fault}"
