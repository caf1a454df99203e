"""The commands `e2xhub lockdown show` and `verify`: how far locked servers reach."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e2xhub.cli.lockdown_targets import Target, find_target
from e2xhub.cli.offers import load_config
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import CatalogOption, JsonOption, print_json
from e2xhub.errors import Fault, FaultsFoundError, printable

if TYPE_CHECKING:  # brings KubeSpawner, and takes a while
    from traitlets.config import Config

    from e2xhub.kubernetes.reach_view import LockedServer, Network, ReachView
    from e2xhub.kubernetes.surroundings import Surroundings

app = typer.Typer(help="Show and verify what locked servers reach.", no_args_is_help=True)

ExamOption = Annotated[
    str | None, typer.Argument(help="The exam's id; without it --course and --term.")
]
CourseOption = Annotated[
    str | None, typer.Option(help="A course whose servers are locked.", show_default=False)
]
TermOption = Annotated[str | None, typer.Option(help="The course's term.", show_default=False)]
PoliciesOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="Read policies from YAML, as 'kubectl get networkpolicy -o yaml' or 'helm template' "
        "print it, and not from the cluster; '-': standard input; may stand several times.",
        show_default=False,
    ),
]
NamespaceOption = Annotated[
    str | None,
    typer.Option(help="Where the servers run; else as kubectl has it.", show_default=False),
]
HubNamespaceOption = Annotated[
    str | None,
    typer.Option(help="Where the hub runs, if not beside the servers.", show_default=False),
]
ReleaseOption = Annotated[
    str | None,
    typer.Option(help="The hub's Helm release, where there are several.", show_default=False),
]
ContextOption = Annotated[
    str | None, typer.Option(help="The context of the kubeconfig.", show_default=False)
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="The hub's jupyterhub_config.py, for what it adds to every pod.",
        exists=True,
        dir_okay=False,
    ),
]
SvgOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw it into this file, as SVG.", show_default=False),
]
ProbeOption = Annotated[
    bool, typer.Option("--probe", help="Also let pods in the cluster try what they reach.")
]
PublicUrlOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="With --probe: an address at which people reach the hub; several times if need be.",
        show_default=False,
    ),
]
SettleOption = Annotated[
    float, typer.Option(min=0, help="With --probe: how many seconds the plug-in may take to lock.")
]
StartTimeoutOption = Annotated[
    float, typer.Option(min=1, help="With --probe: how many seconds a pod may take to start.")
]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where servers and policies are."""

    policies: tuple[str, ...]
    namespace: str | None
    hub_namespace: str | None
    release: str | None
    context: str | None


@app.command()
def show(
    catalog: CatalogOption,
    exam: ExamOption = None,
    course: CourseOption = None,
    term: TermOption = None,
    policies: PoliciesOption = None,
    namespace: NamespaceOption = None,
    hub_namespace: HubNamespaceOption = None,
    release: ReleaseOption = None,
    context: ContextOption = None,
    config: ConfigOption = None,
    svg: SvgOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the servers of an exam reach, who reaches them, and by which policy."""
    target = find_target(catalog, exam, course, term)
    place = _place(policies, namespace, hub_namespace, release, context)
    view = _judge(_read(target, place, config))
    if svg is not None:
        _draw(view, svg)
    if json:
        _print_view_as_json(view)
    else:
        _print_view(view)


@app.command()
def verify(
    catalog: CatalogOption,
    exam: ExamOption = None,
    course: CourseOption = None,
    term: TermOption = None,
    policies: PoliciesOption = None,
    namespace: NamespaceOption = None,
    hub_namespace: HubNamespaceOption = None,
    release: ReleaseOption = None,
    context: ContextOption = None,
    config: ConfigOption = None,
    probe: ProbeOption = False,
    public_url: PublicUrlOption = None,
    settle: SettleOption = 10,
    start_timeout: StartTimeoutOption = 600,
    json: JsonOption = False,
) -> None:
    """Prove that all policies together keep the lockdown; else name each that does not."""
    if probe and policies:
        raise typer.BadParameter("needs the cluster, without --policies", param_hint="--probe")
    target = find_target(catalog, exam, course, term)
    place = _place(policies, namespace, hub_namespace, release, context)
    found = _read(target, place, config)
    view = _judge(found)
    if not json:
        _print_verdict(view)
    elif not probe:
        _print_view_as_json(view)
    for fault in view.faults:  # now, because the probe takes minutes, and may fail
        print(printable(str(fault)), file=sys.stderr, flush=True)
    status = 1 if view.faults else 0
    if probe:
        timing = {"settle_seconds": settle, "start_seconds": start_timeout}
        around = found[0].surroundings
        probed = _probe(
            target, around, config, context, public_url or (), timing, view if json else None
        )
        status = status or probed
    raise typer.Exit(status)


def _probe(
    target: Target,
    surroundings: Surroundings,
    config: Path | None,
    context: str | None,
    public_urls: Sequence[str],
    timing: Mapping[str, float],
    view: ReachView | None,
) -> int:
    """The probe's exit status; with a `view` its JSON is printed together with the probe's."""
    from e2xhub.cli.lockdown_probe import run_probe_command
    from e2xhub.kubernetes.reach_view import to_json

    return run_probe_command(
        target.offer,
        catalog=target.catalog,
        config=_load_config(config, surroundings),
        surroundings=surroundings,
        context=context,
        public_urls=public_urls,
        as_json=view is not None,
        told=to_json(view) if view else None,
        **timing,
    )


def _place(
    policies: list[str] | None,
    namespace: str | None,
    hub_namespace: str | None,
    release: str | None,
    context: str | None,
) -> _Place:
    if policies and context:
        raise typer.BadParameter("needs no --policies", param_hint="--context")
    return _Place(
        policies=tuple(policies or ()),
        namespace=namespace,
        hub_namespace=hub_namespace,
        release=release,
        context=context,
    )


def _read(target: Target, place: _Place, config: Path | None) -> tuple[LockedServer, Network]:
    read = _read_files if place.policies else _read_cluster
    return asyncio.run(read(target, place, config))


def _judge(found: tuple[LockedServer, Network]) -> ReachView:
    from e2xhub.kubernetes.reach_view import make_view  # takes a while to import

    return make_view(*found)


async def _read_files(
    target: Target, place: _Place, config: Path | None
) -> tuple[LockedServer, Network]:
    from e2xhub.kubernetes.reach_view import (
        find_only_namespace,
        load_manifests,
        make_network_of_files,
        with_chart_pods,
    )

    manifests = load_manifests(place.policies)
    namespace = place.namespace or find_only_namespace(manifests)
    network = make_network_of_files(manifests, namespace=namespace, release=place.release)
    server = await _make_server(target, network, replace(place, namespace=namespace), config)
    return server, with_chart_pods(network, server.surroundings)


async def _read_cluster(
    target: Target, place: _Place, config: Path | None
) -> tuple[LockedServer, Network]:
    from e2xhub.kubernetes.cluster_access import find_namespace, open_cluster
    from e2xhub.kubernetes.policies import selector_of
    from e2xhub.kubernetes.reach_view import read_network, read_servers

    namespace = place.namespace or find_namespace(place.context)
    async with open_cluster(place.context) as client:
        network = await read_network(
            client,
            namespace=namespace,
            hub_namespace=place.hub_namespace or namespace,
            release=place.release,
        )
        server = await _make_server(target, network, replace(place, namespace=namespace), config)
        selector = selector_of(target.offer, server.surroundings)
        servers = await read_servers(client, namespace, selector)
    return server, replace(network, servers=tuple(servers))


async def _make_server(
    target: Target, network: Network, place: _Place, config: Path | None
) -> LockedServer:
    from e2xhub.kubernetes.reach_view import find_surroundings, make_locked_server

    assert place.namespace is not None
    surroundings = find_surroundings(
        network,
        namespace=place.namespace,
        hub_namespace=place.hub_namespace or place.namespace,
        release=place.release,
    )
    return await make_locked_server(
        target.offer,
        target.username,
        subject=target.subject,
        surroundings=surroundings,
        config=_load_config(config, surroundings),
    )


def _load_config(file: Path | None, surroundings: Surroundings) -> Config:
    """The hub's own, where it is given; else as the chart has it."""
    from e2xhub.kubernetes.reach_view import configure_as_chart

    configured = load_config(file)
    return configured if file is not None else configure_as_chart(surroundings)


def _draw(view: ReachView, file: Path) -> None:
    from e2xhub.kubernetes.reach_view import draw_svg

    try:
        file.write_text(draw_svg(view), encoding="utf-8")
    except OSError as error:
        message = f"the picture cannot be written: {error.strerror}; expected a file to write"
        raise FaultsFoundError([Fault(file=str(file), line=0, message=message)]) from None


def _print_view_as_json(view: ReachView) -> None:
    from e2xhub.kubernetes.reach_view import to_json

    print_json(to_json(view))


def _print_view(view: ReachView) -> None:
    print_table(
        f"What the servers of {view.subject} reach, and who reaches them",
        ("", "whom", "ports", "policy", "lockdown"),
        [
            (
                row.side.value,
                row.peer,
                row.ports,
                row.policy or "none selects it",
                "ok" if row.is_allowed else "TOO WIDE",
            )
            for row in view.rows
        ],
    )
    print_table(
        "What has to work",
        ("from", "to", "port", ""),
        [
            (it.source, it.destination, it.port, "ok" if it.is_open else "CLOSED")
            for it in view.connections
        ],
    )
    selecting = ", ".join(view.policies) or "none"
    _print_lines([f"Policies that select the servers: {selecting}"])
    _print_lines(f"Fault: {fault}" for fault in view.faults)
    _print_lines(f"Note: {note}" for note in view.notes)


def _print_verdict(view: ReachView) -> None:
    if view.is_locked:
        selecting = ", ".join(view.policies)
        _print_lines(
            [
                f"The servers of {view.subject} in namespace {view.namespace} are locked: all "
                f"policies that select them ({selecting}) allow no more than the lockdown, and hub "
                "and proxy are reached."
            ]
        )
    _print_lines(f"Note: {note}" for note in view.notes)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")
