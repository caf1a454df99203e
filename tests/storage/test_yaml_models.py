"""A YAML file becomes a model, or every fault in it is told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from e2xhub.errors import FaultsFoundError
from e2xhub.storage.yaml_models import load_model


def _check_is_beside(name: str, info: ValidationInfo) -> str:
    directory = info.context["directory"] if info.context else Path()
    if not (directory / name).exists():
        raise ValueError(f"{name} is not there")
    return name


class Bench(BaseModel):
    """A part of a table."""

    model_config = ConfigDict(extra="forbid")

    seats: int


class Table(BaseModel):
    """What the files of these tests are."""

    model_config = ConfigDict(extra="forbid")

    title: str
    benches: Mapping[Annotated[str, Field(max_length=5)], Bench] = Field(default_factory=dict)
    picture: Annotated[str, AfterValidator(_check_is_beside)] | None = None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.yaml"


def test_file_becomes_the_model(file: Path) -> None:
    file.write_text("title: T\nbenches: {left: {seats: 2}}\npicture: table.yaml\n")
    assert load_model(file, Table, expected="title:") == Table.model_construct(
        title="T", benches={"left": Bench(seats=2)}, picture="table.yaml"
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "title: T\ntitel: T\n",
            [
                "2: unknown key 'titel' (did you mean 'title'?); "
                "expected one of: benches, picture, title"
            ],
        ),
        (
            "title: T\nbenches:\n  left: {seats: 1, chairs: 2}\n",
            ["3: unknown key 'chairs'; expected one of: seats"],
        ),
        ("picture: table.yaml\n", ["1: the key 'title' is missing"]),
        (
            "title: 7\nbenches:\n  left:\n    seats: two\n",
            [
                "1: title: 7 is no text; put it into quotes",
                "4: benches.left.seats: 'two' is no whole number",
            ],
        ),
        (
            "title: T\nbenches:\n  leftmost: {seats: 1}\n",
            ["3: benches.leftmost: 'leftmost' is too long; expected at most 5 characters"],
        ),
        ("title: T\npicture: gone.png\n", ["2: picture: gone.png is not there"]),
        ('title: T\npicture: "go\\ane"\n', ["2: picture: go\\x07ne is not there"]),
        ("- T\n", ["1: expected keys such as 'title:'"]),
        ("", ["1: expected keys such as 'title:'"]),
        ("title: T\n\ntitle: U\n", ["3: the key 'title' stands here again, first in line 1"]),
    ],
)
def test_every_fault_is_told_with_its_line(file: Path, text: str, faults: list[str]) -> None:
    file.write_text(text)
    with pytest.raises(FaultsFoundError) as caught:
        load_model(file, Table, expected="title:")
    assert list(map(str, caught.value.faults)) == [f"{file}:{fault}" for fault in faults]
