"""What `configure` sets of the pages: their directory, their variables, the automatic start."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub import configure
from e2xhub.errors import ConfigurationError
from e2xhub.web.forward_auth import FORWARD_AUTH, PROBE


@pytest.fixture
def settings(catalog_file: Path, roster_directory: Path) -> dict[str, Any]:
    """The settings of an assignment hub."""
    return {
        "hub": "assignment",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
    }


def test_pages_get_their_variables(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    variables = c.JupyterHub.template_vars
    assert set(variables) == {"contact", "has_courses", "translator_behind"}
    assert variables["has_courses"](None) is False
    assert variables["contact"]("a user") is None
    assert variables["translator_behind"]("a user")(None).language == "en"


def test_variables_of_the_admin_stay(settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.template_vars = {"announcement": "Closed on Friday"}
    configure(c, **settings)
    assert c.JupyterHub.template_vars["announcement"] == "Closed on Friday"
    assert "contact" in c.JupyterHub.template_vars


def test_variables_that_the_admin_added_to_those_of_others_stay(settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.template_vars.update({"announcement": "Closed on Friday"})
    configure(c, **settings)
    variables = c.JupyterHub.template_vars.get_value({})
    assert set(variables) == {"announcement", "contact", "has_courses", "translator_behind"}


def test_tornado_settings_of_the_admin_stay(settings: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.tornado_settings = {"cookie_options": {"SameSite": "Lax"}}
    configure(c, **settings)
    assert set(c.JupyterHub.tornado_settings) == {"cookie_options", "log_function"}


def test_pages_of_courses_and_forward_auth_share_what_they_know(settings: dict[str, Any]) -> None:
    c = Config()
    configure(c, **settings)
    configure(c, **settings)
    given = {path: kept[0] for path, _, *kept in deepcopy(c).JupyterHub.extra_handlers if kept}
    pages, guard = given["/e2x/courses/?"]["pages"], given[FORWARD_AUTH]["guard"]
    assert pages.shared_origin is guard.shared_origin is given[PROBE]["origin"]
    learner = deepcopy(c).JupyterHub.tornado_settings["log_function"]
    assert learner.__self__ is guard.sessions


@pytest.mark.parametrize(("given", "seconds"), [({}, 5), ({"auto_start_seconds": 0}, 0)])
def test_only_offer_starts_after_some_seconds(
    settings: dict[str, Any], given: dict[str, int], seconds: int
) -> None:
    c = Config()
    configure(c, **settings, **given)
    assert c.E2xSpawner.auto_start_seconds == seconds


@pytest.mark.parametrize("seconds", [-1, 601, 1.5])
def test_automatic_start_is_a_number_of_seconds(settings: dict[str, Any], seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="auto_start_seconds"):
        configure(Config(), **settings, auto_start_seconds=seconds)
