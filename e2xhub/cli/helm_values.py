"""The command `e2xhub helm-values`: what zero-to-jupyterhub has to know of the catalog.

The chart fetches images to nodes beforehand, and keeps room for servers to come. It sees no offers,
so that it is told by a file of values.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable
from typing import Annotated, Any

import typer
import yaml

from e2xhub.cli.sources import AtOption, CatalogOption, HubOption, JsonOption, parse_moment
from e2xhub.cli.sources import print_json as print_as_json
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.servers import Image
from e2xhub.domain.cluster_needs import ClusterNeeds, find_needs
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.errors import UnknownNameError
from e2xhub.kubernetes.names import PREFIX
from e2xhub.storage.catalog_files import load_catalog

_DIGEST = "@sha256"
_KEY_MAX = 63 - len("image-pull-")  # the chart makes a container's name of it
_MILLI = 1000


class _QuotedText(str):
    """A text that stays one: `1e3` is a number for helm."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, and texts that were quoted in quotes."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as PyYAML calls it
        return True


_Dumper.add_representer(
    _QuotedText,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"'),
)


def helm_values(
    catalog: CatalogOption,
    hub: HubOption = HubKind.ASSIGNMENT,
    at: AtOption = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Also of terms and exams that are over.")
    ] = False,
    course: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COURSE",
            help="A course that the hub serves, as in its setting `courses`; may stand several "
            "times. All where it is left out.",
            show_default=False,
        ),
    ] = None,
    term: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TERM",
            help="A term that the hub serves, as in its setting `terms`; may stand several times. "
            "All where it is left out.",
            show_default=False,
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE",
            help="An image of the catalog that is not fetched beforehand; may stand several times.",
            show_default=False,
        ),
    ] = None,
    people_per_placeholder: Annotated[
        int, typer.Option(min=1, help="For how many people one placeholder holds room.")
    ] = 1,
    json: JsonOption = False,
) -> None:
    """Print values for the zero-to-jupyterhub chart: images to fetch beforehand, placeholders."""
    declared = load_catalog(catalog)
    left_out = _known("image", without or (), declared.images)
    served = _find_served(declared, course or (), term or ())
    registry = Registry(catalog=declared, roster=Roster(()), hub=hub)
    moment = parse_moment(at, registry)
    needs = find_needs(declared, hub, moment, served=served, with_past=all_)
    values = make_values(needs, without=left_out, people_per_placeholder=people_per_placeholder)
    if json:
        print_as_json(values)
        return
    sys.stdout.write(_make_header(needs, hub, served, with_past=all_))
    sys.stdout.write(yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def _find_served(catalog: Catalog, courses: Iterable[str], terms: Iterable[str]) -> ServedPart:
    known_terms = {term for course in catalog.courses.values() for term in course.terms}
    return ServedPart(
        courses=_known("course", courses, catalog.courses),
        terms=_known("term", terms, known_terms),
    )


def _known(what: str, names: Iterable[str], declared: Collection[str]) -> frozenset[str]:
    """`names`; raises UnknownNameError where the catalog declares one of them not."""
    for name in names:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise UnknownNameError(
                f"{what} {name!r} is not in the catalog; expected one of: {known}"
            )
    return frozenset(names)


def make_values(
    needs: ClusterNeeds, *, without: frozenset[str] = frozenset(), people_per_placeholder: int = 1
) -> dict[str, Any]:
    """The values; they add to those of `helm-values/`, and replace lists in them."""
    images = {name: image for name, image in needs.images.items() if name not in without}
    fetched = {_key_of(name): _make_image(image) for name, image in images.items()}
    tolerations = [item.model_dump(exclude_none=True) for item in needs.tolerations]
    pulled: dict[str, Any] = {"extraImages": fetched}
    if tolerations:
        pulled["extraTolerations"] = tolerations
    server: dict[str, Any] = dict(next(iter(fetched.values()), {}))
    if needs.pull_secrets:
        server["pullSecrets"] = list(needs.pull_secrets)
    values: dict[str, Any] = {"singleuser": {"image": server}} if server else {}
    return {
        **values,
        "prePuller": pulled,
        "scheduling": {"userPlaceholder": _make_placeholder(needs, people_per_placeholder)},
    }


def _key_of(name: str) -> str:
    from kubespawner.slugs import safe_slug  # takes a while to import

    return str(safe_slug(PREFIX + name, max_length=_KEY_MAX))


def _make_image(image: Image) -> dict[str, str]:
    """As the chart wants it: it joins both with a colon."""
    name, _, digest = image.name.partition(f"{_DIGEST}:")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:  # no tag, or the colon of a registry's port
        return {"name": f"{name}{_DIGEST}", "tag": _QuotedText(digest)}
    return {"name": repository, "tag": _QuotedText(f"{tag}{_DIGEST}:{digest}" if digest else tag)}


def _make_placeholder(needs: ClusterNeeds, people: int) -> dict[str, Any]:
    requests = {
        "cpu": _QuotedText(f"{math.ceil(needs.cpu * people * _MILLI)}m"),
        "memory": _QuotedText(needs.memory_bytes * people),
    }
    return {"resources": {"requests": requests}} if needs.served else {"replicas": 0}


def _make_header(needs: ClusterNeeds, hub: HubKind, part: ServedPart, *, with_past: bool) -> str:
    """How it was made; the same for the same catalog as long as nothing begins or ends."""
    options = [f"--course {course}" for course in sorted(part.courses)]
    options += [f"--term {term}" for term in sorted(part.terms)]
    command = " ".join(["e2xhub helm-values --hub", hub.value, *options])
    served = ", ".join(needs.served) or "none"
    what = "of all terms and exams" if with_past else "of terms and exams that are not over"
    return (
        f"# Made by '{command}'. Make it anew when images, sizes or\n"
        f"# placements of the catalog change; do not edit it. It is {what}:\n"
        f"# {served}\n"
    )
