"""Commands that show what somebody gets: offers, manifest."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

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
from e2xhub.domain.offers import Offer, OfferList
from e2xhub.domain.refusals import NotOfferedError, Refusal
from e2xhub.domain.roles import HubKind
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
    listed = registry.offers_for(username, parse_moment(at, registry), group or ())
    if json:
        print_json(_as_json(listed))
    else:
        _print_table(username, hub, listed)


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
    try:
        authorized = registry.authorize(username, offer, parse_moment(at, registry), group or ())
        made = make_manifests(authorized, username, size=size, config=_load_config(config))
        documents = asyncio.run(made)
    except NotOfferedError as refusal:
        raise UnknownNameError(
            f"{username}, {offer!r}: {refusal} 'e2xhub offers {username} --hub {hub.value}' lists "
            "what may be started"
        ) from None
    if json:
        print_json(documents)
    else:
        yaml.safe_dump_all(documents, sys.stdout, sort_keys=False, allow_unicode=True)


def _load_config(file: Path | None) -> Config:
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


def _as_json(listed: OfferList) -> dict[str, Any]:
    return {
        "offers": [_offer_as_json(offer) for offer in listed.offers],
        "refusals": [
            {
                "offer": refusal.slug,
                "title": refusal.title,
                "reason": str(refusal),
                "at": refusal.at.isoformat() if refusal.at else None,
                "detail": refusal.detail,
            }
            for refusal in listed.refusals
        ],
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


def _print_table(username: str, hub: HubKind, listed: OfferList) -> None:
    table = Table(title=f"{username} on the {hub.value} hub", title_justify="left")
    table.add_column("offer", no_wrap=True)  # in one piece, for the next command
    for column in ("server", "image and sizes, or why not"):
        table.add_column(column, overflow="fold")
    items: list[Offer | Refusal] = [*listed.offers, *listed.refusals]
    for item in items:
        table.add_row(item.slug, _name(item), _why(item))
    Console().print(table)
    if not (listed.offers or listed.refusals):
        print(f"{username} has no role that works on this kind of hub.")


def _name(item: Offer | Refusal) -> str:
    return f"{item.title}, {item.subtitle}" if isinstance(item, Offer) else item.title


def _why(item: Offer | Refusal) -> str:
    if isinstance(item, Refusal):
        return f"{item} ({item.detail})" if item.detail else str(item)
    told = f"{item.server.image.name} ({', '.join(item.server.sizes)})"
    if item.readable_until:
        return f"{told}, read-only until {item.readable_until:%Y-%m-%d}"
    return told
