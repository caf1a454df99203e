"""Errors that carry what a person needs to find the place."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from e2xhub.errors import (
    ConfigurationError,
    E2xHubError,
    Fault,
    FaultsFoundError,
    Sentence,
    UserFacingError,
    printable,
)


def test_fault_shows_file_line_and_message() -> None:
    assert str(Fault(file="roster.csv", line=14, message="no")) == "roster.csv:14: no"


def test_fault_that_is_in_no_line_names_none() -> None:
    assert str(Fault(file="roster.csv", line=0, message="no")) == "roster.csv: no"


def test_name_of_a_file_cannot_steer_the_terminal() -> None:
    fault = Fault(file="a\x1b[2J\nb.csv", line=1, message="no")
    assert str(fault) == "a\\x1b[2J\\nb.csv:1: no"


def test_faults_are_sorted_by_file_and_line() -> None:
    places = [("b", 1), ("a", 10), ("a", 9)]
    error = FaultsFoundError([Fault(file=file, line=line, message="x") for file, line in places])
    assert str(error) == "a:9: x\na:10: x\nb:1: x"


def test_faulty_files_are_an_error_of_configuration_that_no_page_shows() -> None:
    assert issubclass(FaultsFoundError, ConfigurationError)
    assert not issubclass(ConfigurationError, UserFacingError)
    assert issubclass(UserFacingError, E2xHubError)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Müller, x", "Müller, x"), ("\x1b[31m", "\\x1b[31m"), ("a\nb", "a\\nb"), ("", "")],
)
def test_what_would_steer_a_terminal_is_spelt_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copy_of_a_sentence_says_what_it_said(copied: Callable[[Sentence], Sentence]) -> None:
    sentence = Sentence("{name} is listed twice", " (look)", name="{a}")
    same = copied(sentence)
    assert (same, same.template, same.values) == (sentence, sentence.template, sentence.values)
