"""What `configure` makes of `database_url` on hubs where people grade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub import configure
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.errors import ConfigurationError
from e2xhub.storage.exam_records import open_exam_records
from tests.hub.configured_hub import wait_until
from tests.storage.exams import issue


@pytest.fixture
def grading_settings(catalog_file: Path, roster_directory: Path) -> dict[str, Any]:
    """The settings of a grading hub."""
    return {
        "hub": "grading",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
    }


def test_hub_reads_who_sat_from_the_exam_hubs_records_without_a_pepper(
    grading_settings: dict[str, Any], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'e2xhub.sqlite'}"
    records = open_exam_records(url, Peppers(Pepper(b"p" * 32)))
    issue(records)
    records.engine.dispose()
    c = Config()
    configure(c, **grading_settings, database_url=url)
    changes = c.E2xSpawner.registry.current.changes
    assert changes.is_readable
    assert list(changes.sat) == ["alice"]


def test_hub_starts_and_lets_nobody_grade_exams_while_there_are_no_records(
    grading_settings: dict[str, Any], tmp_path: Path
) -> None:
    c = Config()
    configure(c, **grading_settings, database_url=f"sqlite:///{tmp_path / 'e2xhub.sqlite'}")
    assert not c.E2xSpawner.registry.current.changes.is_readable
    assert not (tmp_path / "e2xhub.sqlite").exists()


def test_assignment_hub_makes_the_tables_of_a_database_of_its_own(
    grading_settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    c, file = Config(), tmp_path / "e2xhub.sqlite"
    configure(c, **grading_settings | {"hub": "assignment"}, database_url=f"sqlite:///{file}")
    assert c.E2xSpawner.registry.current.changes.is_readable
    assert file.exists()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("hub", ["assignment", "grading"])
def test_hub_whose_database_knows_nobody_who_sat_an_ended_exam_asks_which_one_it_is(
    grading_settings: dict[str, Any],
    hub: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = Path(grading_settings["catalog"]).read_text(encoding="utf-8")
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(text.replace("2027-02-15T09", "2020-02-15T09"), encoding="utf-8")
    url = f"sqlite:///{tmp_path / 'e2xhub.sqlite'}"
    open_exam_records(url, Peppers(Pepper(b"p" * 32))).engine.dispose()
    given = grading_settings | {"hub": hub, "catalog": str(catalog), "database_url": url}
    configure(Config(), **given)
    wait_until(lambda: "is this the exam hub's database?" in caplog.text, "the hub asks")
    assert ": ml-pz1" in caplog.text


def test_grading_hub_without_a_database_says_that_the_roster_alone_counts(
    grading_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    c = Config()
    configure(c, **grading_settings)
    assert c.E2xSpawner.registry.current.changes.is_readable
    assert "database_url is not set: that nobody grades an exam that they sat is known" in (
        caplog.text
    )


def test_assignment_hub_without_a_database_says_nothing_of_it(
    grading_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    configure(Config(), **grading_settings | {"hub": "assignment"})
    assert "grades" not in caplog.text


def test_hub_does_not_start_with_a_database_that_is_none(
    grading_settings: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match="this is no URL of a database"):
        configure(Config(), **grading_settings, database_url="records")
