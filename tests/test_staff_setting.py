"""What `configure` makes of `staff_authenticator` and `second_factor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub import configure
from e2xhub.errors import ConfigurationError
from e2xhub.storage.pepper_file import ensure_pepper
from e2xhub.web.proctor_groups import PROCTOR_SCOPE, role_name


@pytest.fixture
def exam_settings(catalog_file: Path, roster_directory: Path, tmp_path: Path) -> dict[str, Any]:
    """The settings of an exam hub."""
    ensure_pepper(tmp_path / "pepper")
    return {
        "hub": "exam",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
        "database_url": f"sqlite:///{tmp_path / 'e2xhub.sqlite'}",
        "pepper_file": str(tmp_path / "pepper"),
    }


def test_nobody_of_staff_is_admitted_where_no_method_is_named(
    exam_settings: dict[str, Any],
) -> None:
    c = Config()
    configure(c, **exam_settings)
    assert "staff_authenticator_class" not in c.OneTimePasswordAuthenticator
    assert c.OneTimePasswordAuthenticator.second_factor == "required"


@pytest.mark.parametrize(
    ("given", "expected"), [("required", "required"), ("off", "off"), (False, "off")]
)
def test_second_factor_is_off_only_where_it_is_said(
    exam_settings: dict[str, Any], given: Any, expected: str
) -> None:
    c = Config()
    configure(c, **exam_settings, staff_authenticator="pam", second_factor=given)
    assert c.OneTimePasswordAuthenticator.staff_authenticator_class == "pam"
    assert c.OneTimePasswordAuthenticator.second_factor == expected


@pytest.mark.parametrize("given", ["", "optional", 0, None])
def test_hub_does_not_start_with_another_second_factor(
    exam_settings: dict[str, Any], given: Any
) -> None:
    with pytest.raises(ConfigurationError) as error:
        configure(Config(), **exam_settings, second_factor=given)
    message = f"e2xhub:\nsecond_factor: {given!r} is not known; expected 'required' or 'off'"
    assert str(error.value) == message


@pytest.mark.parametrize("by_update", [False, True])
def test_scopes_of_the_admin_stay(exam_settings: dict[str, Any], by_update: bool) -> None:
    mine = {"custom:mine:read": {"description": "mine"}}
    c = Config()
    if by_update:
        c.JupyterHub.custom_scopes.update(mine)
    else:
        c.JupyterHub.custom_scopes = mine
    configure(c, **exam_settings)
    found = c.JupyterHub.custom_scopes
    scopes = found.get_value({}) if by_update else found
    assert set(scopes) == {"custom:mine:read", PROCTOR_SCOPE}


@pytest.mark.parametrize(
    ("exam", "role"),
    [
        ("ml-ws26-pz1", "e2x-proctor-ml-ws26-pz1"),
        ("ML-WS26-PZ1", "e2x-proctor-~m~l-~w~s26-~p~z1"),
        ("a_b.c", "e2x-proctor-a_b.c"),
    ],
)
def test_each_exam_has_a_role_of_its_own(exam: str, role: str) -> None:
    assert role_name(exam) == role
