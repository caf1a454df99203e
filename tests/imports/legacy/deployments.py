"""Sample deployments, one per layout, and what an import makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path

from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import CourseMembership, Roster
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.imports.legacy.catalog_parts import Head
from e2xhub.imports.legacy.importer import Outcome, import_deployment
from e2xhub.imports.legacy.path_names import TermChoices
from e2xhub.imports.legacy.report import NoteKind
from e2xhub.kubernetes.parts.overrides import check_pods

SAMPLES = Path(__file__).parent / "samples"
NAMES = ("lists_per_mode", "lists_per_role", "lists_per_course", "exam_hub")
TODAY = date(2026, 11, 20)

HEAD = Head(university="Test University")
NO_CHOICES = TermChoices()


def import_into(
    target: Path, source: Path, terms: TermChoices = NO_CHOICES, today: date = TODAY
) -> Outcome:
    """The import of the deployment at `source`, checked as the command does it."""
    return import_deployment(
        source, target, head=HEAD, terms=terms, today=today, checks=[check_pods]
    )


def write_files(directory: Path, files: Mapping[str, str]) -> Path:
    """`directory` with `files`, texts by path."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return directory


def people_of(roster: Roster) -> set[str]:
    """Memberships as texts such as `amy MRC/SS23 student`."""
    return {
        f"{one.username} {one.course}/{one.term} {one.role.value}"
        if isinstance(one, CourseMembership)
        else f"{one.username} {one.exam} {one.role.value}"
        for one in roster
    }


def notes_of(outcome: Outcome, kind: NoteKind) -> list[str]:
    """The notes of a kind as texts such as `config.yaml:3 commands: …`."""
    return [
        f"{note.where} {note.subject}: {note.message}"
        for note in outcome.notes
        if note.kind is kind
    ]


def offers_of(
    outcome: Outcome, username: str, hub: HubKind, day: date = date(2023, 5, 2)
) -> dict[str, Offer]:
    """What somebody is offered on a day at noon, by slug."""
    people = outcome.roster.including(memberships_of_staff(outcome.catalog))
    registry = Registry(catalog=outcome.catalog, roster=people, hub=hub)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc)
    return {offer.slug: offer for offer in registry.offers_for(username, noon).offers}


def directories_of(offer: Offer) -> dict[str, str]:
    """Places in the server with volume, directory and mode: `disk2 homes/… rw`."""
    return {
        mount.mount_path: f"{mount.volume} {mount.sub_path} {'ro' if mount.read_only else 'rw'}"
        for mount in offer.server.volume_mounts
    }
