"""Opens catalog and roster, and says so where they are not mounted."""

from __future__ import annotations

from pathlib import Path

from e2xhub.domain.offers import ServedPart
from e2xhub.errors import ConfigurationError, printable
from e2xhub.hub_settings import HubSettings
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.pepper_file import MOUNT_QUESTION
from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.opening import open_roster


def open_registry_of(settings: HubSettings) -> LiveRegistry:
    roster = open_roster(settings.roster)
    places = [settings.catalog]
    if isinstance(roster, RosterFiles):
        places.append(Path(settings.roster))
    _check_mounted(places)
    return LiveRegistry(
        catalog=settings.catalog,
        roster=roster,
        hub=settings.hub,
        most_loss=settings.most_loss_percent / 100,
        served=ServedPart(courses=settings.courses, terms=settings.terms),
        checks=[check_pods],
    )


def _check_mounted(places: list[Path]) -> None:
    """In a hub, what is not there is rarely misspelt, but not mounted."""
    missing = [printable(str(place)) for place in dict.fromkeys(places) if _is_missing(place)]
    if missing:
        faults = [
            f"{place}: nothing is here; expected it there: {MOUNT_QUESTION}" for place in missing
        ]
        raise ConfigurationError("\n".join(faults))


def _is_missing(place: Path) -> bool:
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # who reads it tells
    return False
