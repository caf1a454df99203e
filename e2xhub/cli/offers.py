"""Commands that show what somebody gets: offers, manifest."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from e2xhub.cli.output import dump_manifests, print_table
from e2xhub.cli.sources import (
    AtOption,
    CatalogOption,
    HubOption,
    JsonOption,
    RosterOption,
    known_username,
    load_hub,
    parse_moment,
    print_json,
)
from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.group_rules import GroupTable
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, OfferList, Registry
from e2xhub.domain.refusals import Refusal
from e2xhub.domain.roles import HubKind, Role
from e2xhub.errors import ConfigurationError, UnknownNameError

GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="A group that the sign-in service puts the person into; may stand several times.",
        show_default=False,
    ),
]


def offers(
    user: Annotated[str, typer.Argument(help="The username.")],
    catalog: CatalogOption,
    roster: RosterOption,
    hub: HubOption = HubKind.ASSIGNMENT,
    at: AtOption = None,
    group: GroupOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a person may start now, and why not the rest."""
    registry = load_hub(catalog, roster, hub)
    username = known_username(registry, user, group or ())
    _warn_of_unknown_groups(registry.catalog, group or ())
    listed = registry.offers_for(username, parse_moment(at, registry), group or ())
    windows = _windows_of(username, registry)
    if json:
        print_json(_as_json(listed, windows))
    else:
        _print_table(username, hub, listed, windows)


def manifest(
    user: Annotated[str, typer.Argument(help="The username.")],
    offer: Annotated[str, typer.Argument(help="The offer, as 'e2xhub offers' names it.")],
    catalog: CatalogOption,
    roster: RosterOption,
    hub: HubOption = HubKind.ASSIGNMENT,
    at: AtOption = None,
    group: GroupOption = None,
    size: Annotated[str | None, typer.Option(help="One of the offer's sizes.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The hub's jupyterhub_config.py, for what it adds to every pod.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the Kubernetes objects that starting an offer creates, as YAML."""
    from e2xhub.kubernetes.manifests import make_manifests

    registry = load_hub(catalog, roster, hub)
    username = known_username(registry, user, group or ())
    _warn_of_unknown_groups(registry.catalog, group or ())
    listed = registry.offers_for(username, parse_moment(at, registry), group or ())
    authorized = _find_offer(username, offer, listed)
    if size is not None and size not in authorized.server.sizes:
        sizes = ", ".join(authorized.server.sizes)
        raise UnknownNameError(f"{offer} has no size {size!r}; expected one of: {sizes}")
    made = make_manifests(authorized, username, size=size, config=load_config(config))
    documents = asyncio.run(made)
    if json:
        print_json(documents)
    else:
        sys.stdout.write(dump_manifests(documents))


def _find_offer(username: str, slug: str, listed: OfferList) -> Offer:
    """The offer `slug`; raises UnknownNameError with the reason, or with those that there are."""
    for offer in listed.offers:
        if offer.slug == slug:
            return offer
    for refusal in listed.refusals:
        if refusal.slug == slug:
            raise UnknownNameError(f"{username} may not start {slug} then: {_why(refusal)}")
    known = ", ".join(offer.slug for offer in listed.offers) or "none"
    raise UnknownNameError(f"{username} has no offer {slug!r}; expected one of: {known}")


def _warn_of_unknown_groups(catalog: Catalog, groups: Iterable[str]) -> None:
    spelled = GroupTable.make(catalog.groups, catalog).meanings
    for group in groups:
        if group not in spelled:
            print(f"group {group!r} is spelled by no rule of the catalog", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class _Window:
    """From when to when somebody may sit an exam, in the university's time zone."""

    opens_at: datetime
    ends_at: datetime
    extra_minutes: int

    def __str__(self) -> str:
        extra = f", {self.extra_minutes} minutes of it extra" if self.extra_minutes else ""
        return f"open from {self.opens_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M}{extra}"


def _windows_of(username: Username, registry: Registry) -> dict[str, _Window]:
    """The windows of the exams that `username` sits, by the name of the offer."""
    zone = registry.time_zone
    return {
        f"{RESERVED_COURSE_ID}/{exam_id}/{Role.STUDENT.value}": _Window(
            opens_at=exam.opens_at.astimezone(zone),
            ends_at=exam.ends_for(username).astimezone(zone),
            extra_minutes=exam.extra_minutes.get(username, 0),
        )
        for exam_id, exam in registry.catalog.exams.items()
        if registry.roster.is_examinee(username, exam_id)
    }


def load_config(file: Path | None) -> Config:
    """The configuration in a hub's `file`, none without one; raises ConfigurationError."""
    logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)  # no cluster is needed
    if file is None:
        return Config()
    try:
        return PyFileConfigLoader(file.name, path=str(file.parent)).load_config()
    except Exception as error:  # it is anybody's program
        raise ConfigurationError(
            f"{file} cannot be used: {type(error).__name__}: {error}; expected a "
            "jupyterhub_config.py that runs by itself (files of jupyterhub_config.d need the chart)"
        ) from error


def _as_json(listed: OfferList, windows: Mapping[str, _Window]) -> dict[str, Any]:
    return {
        "offers": [
            {**_offer_as_json(offer), "window": _window_as_json(windows.get(offer.slug))}
            for offer in listed.offers
        ],
        "refusals": [
            {
                "offer": refusal.slug,
                "title": refusal.title,
                "reason": str(refusal),
                "at": refusal.at.isoformat() if refusal.at else None,
                "detail": refusal.detail,
                "window": _window_as_json(windows.get(refusal.slug)),
            }
            for refusal in listed.refusals
        ],
    }


def _window_as_json(window: _Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "opens_at": window.opens_at.isoformat(),
        "ends_at": window.ends_at.isoformat(),
        "extra_minutes": window.extra_minutes,
    }


def _offer_as_json(offer: Offer) -> dict[str, Any]:
    return {
        "offer": offer.slug,
        "title": offer.title,
        "subtitle": offer.subtitle,
        "role": offer.role.value,
        "course": offer.course,
        "term": offer.term,
        "exam": offer.exam,
        "image": offer.server.image.name,
        "sizes": list(offer.server.sizes),
        "network": offer.server.network.value,
        "readable_until": offer.readable_until.date().isoformat() if offer.readable_until else None,
        "mounts": [
            {
                "name": mount.name,
                "volume": mount.volume,
                "sub_path": mount.sub_path,
                "mount_path": mount.mount_path,
                "read_only": mount.read_only,
            }
            for mount in offer.server.volume_mounts
        ],
    }


def _print_table(
    username: str, hub: HubKind, listed: OfferList, windows: Mapping[str, _Window]
) -> None:
    items: list[Offer | Refusal] = [*listed.offers, *listed.refusals]
    if not items:
        print(f"{username} has no role that works on the {hub.value} hub.")
    print_table(
        f"{username} on the {hub.value} hub",
        ("offer", "server", "image and sizes, or why not"),
        [(item.slug, _name(item), _tell(item, windows)) for item in items],
        whole=["offer"],  # in one piece, for the next command
    )


def _name(item: Offer | Refusal) -> str:
    return f"{item.title}, {item.subtitle}" if isinstance(item, Offer) else item.title


def _tell(item: Offer | Refusal, windows: Mapping[str, _Window]) -> str:
    window = windows.get(item.slug)
    return f"{_why(item).rstrip('.')}; {window}" if window else _why(item)


def _why(item: Offer | Refusal) -> str:
    if isinstance(item, Refusal):
        return f"{item} ({item.detail})" if item.detail else str(item)
    told = f"{item.server.image.name} ({', '.join(item.server.sizes)})"
    if item.readable_until:
        return f"{told}, read-only until {item.readable_until:%Y-%m-%d}"
    return told
