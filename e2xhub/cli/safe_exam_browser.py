"""The command `e2xhub seb`: the file that configures Safe Exam Browser for an exam."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from e2xhub.cli.sources import CatalogOption
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.catalog.safe_exam_browser import GeneratedSebFile
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.domain.seb_files import compute_config_key, make_seb_file, make_seb_settings
from e2xhub.errors import FaultsFoundError, UnknownNameError
from e2xhub.storage.catalog_files import load_catalog, place_faults
from e2xhub.storage.seb_files import write_seb_file


def _parse_hub_url(text: str) -> str:
    try:
        return parse_public_url(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def seb(
    exam: Annotated[str, typer.Argument(help="The exam's id.")],
    hub_url: Annotated[
        str,
        typer.Option(
            callback=_parse_hub_url,
            help="The address of the exam hub; as in its setting public_url.",
        ),
    ],
    catalog: CatalogOption,
    output: Annotated[
        Path | None,
        typer.Option(help="The file to write; standard output where it is not set."),
    ] = None,
    show_key: Annotated[
        bool, typer.Option("--show-key", help="Tell the file's config key, to compare it with SEB.")
    ] = False,
) -> None:
    """Make the file with which Safe Exam Browser opens an exam on the hub."""
    settings = make_seb_settings(_find_generated(load_catalog(catalog), catalog, exam), hub_url)
    text = make_seb_file(settings).decode()
    if output is None:
        sys.stdout.write(text)
    else:
        write_seb_file(output, text)
    _tell_of_the_key(settings, hub_url, show_key=show_key)


def _find_generated(catalog: Catalog, file: Path, text: str) -> GeneratedSebFile:
    found = next((exam for exam_id, exam in catalog.exams.items() if exam_id == text), None)
    if found is None:
        known = ", ".join(sorted(catalog.exams)) or "none"
        raise UnknownNameError(f"exam {text!r} is not in the catalog; expected one of: {known}")
    rule = found.safe_exam_browser
    if rule is None or rule.generated is None:
        message = (
            f"exam {text!r} does not admit a generated file; expected "
            "'safe_exam_browser: {generated: {salt: …}}' with what 'openssl rand -hex 32' prints"
        )
        fault = CatalogFault(place=("exams", text, "safe_exam_browser"), message=message)
        raise FaultsFoundError(place_faults(file, [fault]))
    return rule.generated


def _tell_of_the_key(settings: dict[str, Any], hub_url: str, *, show_key: bool) -> None:
    print(
        f"This file is for the hub at {hub_url}, which computes its config key from the catalog: "
        "there is nothing to add there. Make it anew when the exam's 'generated' changes.",
        file=sys.stderr,
    )
    if show_key:
        print(f"Config key: {compute_config_key(settings)}", file=sys.stderr)
