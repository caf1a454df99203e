"""What `e2xhub lockdown verify EXAM --probe` does: pods in the cluster try what they reach."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from e2xhub.cli.output import print_table
from e2xhub.cli.sources import print_json
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.errors import E2xHubError, printable
from e2xhub.kubernetes.surroundings import Surroundings

if TYPE_CHECKING:  # brings KubeSpawner, and takes a while
    from e2xhub.kubernetes.probe import ProbeReport, Row

_OUTCOMES = {
    "REACHED": "gets through",
    "REFUSED": "is refused",
    "SILENT": "no answer",
    "NO_WAY": "no way there",
    "NO_NAME": "name unknown",
    "ABSENT": "not tried",
}
# Short, for a narrow terminal; the sentences below the table say what each is worth.
_VERDICTS = {
    "PROVED": "closed, proved",
    "UNPROVED": "no proof",
    "NOBODY": "nobody listens",
    "OPEN": "OPEN",
    "OWN_NODE": "open: own node",
    "REACHED": "reached",
    "HUB_MISSING": "NOT REACHED",
    "ALLOWED_MISSING": "allowed, not reached",
    "ALLOWED_NOWHERE": "allowed, no proof",
    "NOT_TRIED": "not tried",
}
_PORT = " port "


class ProbeEndedError(E2xHubError):
    """Somebody has ended the command with a signal."""


def run_probe_command(
    offer: Offer,
    *,
    catalog: Catalog,
    config: Config,
    surroundings: Surroundings,
    context: str | None = None,
    public_urls: Sequence[str] = (),
    settle_seconds: float = 10,
    start_seconds: float = 600,
    as_json: bool = False,
    told: Mapping[str, Any] | None = None,
) -> int:
    """Tries in the cluster what the pods of `offer` reach, prints it, and returns the exit status.

    `offer` is that of anybody (no pod gets a home or the name); `catalog` has the volumes'
    servers and the destinations; `config` is the hub's configuration (an empty `Config()` where
    there is none), for what it adds to every pod. `surroundings` say where servers, hub and proxy
    run; the cluster is that of the kubeconfig's `context`, or of KUBECONFIG, or the one that this
    pod runs in (`cluster_access.open_cluster`). `public_urls` are addresses at which people reach
    the hub, such as `https://exam.example.org`; `settle_seconds` is how long the network plug-in
    may take until the policy holds, `start_seconds` how long a pod may take to start, its image's
    pull included.

    Returns 0 where everything is closed that has to be; 1 on a fault (something is open, the hub
    is not reached, nothing is enforced, nothing could be proved). Prints a table with a sentence;
    with `as_json` one object on standard output, `{**told, "probe": {…}}`, so that a caller who
    has something to tell in JSON as well prints nothing itself. Progress goes to standard error.
    Raises E2xHubError where the probe cannot be made (no cluster, no right, a pod that does not
    start), and claims nothing then. All pods that it made are deleted when it returns or raises.
    """
    timing = {"settle": settle_seconds, "start": start_seconds}
    try:
        found = asyncio.run(
            _probe(offer, catalog, config, surroundings, context, public_urls, timing)
        )
    except asyncio.CancelledError:
        raise ProbeEndedError(
            "the probe was ended before it knew anything; its pods are deleted"
        ) from None
    if as_json:
        print_json({**(told or {}), "probe": found.to_json()})
    else:
        print_report(found)
    return 0 if found.is_locked else 1


async def _probe(
    offer: Offer,
    catalog: Catalog,
    config: Config,
    surroundings: Surroundings,
    context: str | None,
    public_urls: Sequence[str],
    timing: Mapping[str, float],
) -> ProbeReport:
    from e2xhub.kubernetes.cluster_access import open_cluster
    from e2xhub.kubernetes.probe import Timing, run_probe  # takes a while to import

    # A terminal that is closed, and a time-out of a script, end it as Ctrl-C does.
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with open_cluster(context) as client:
        return await run_probe(
            client,
            offer,
            catalog=catalog,
            config=config,
            surroundings=surroundings,
            public_urls=public_urls,
            timing=Timing(**timing),
            progress=_print_progress,
        )


def _print_progress(words: str) -> None:
    print(f"… {printable(words)}", file=sys.stderr, flush=True)


def print_report(found: ProbeReport) -> None:
    """What was found, as a table and in sentences, on standard output."""
    print_table(
        f"What a pod with the policy {found.policy} reaches",
        ("", "targets", "exam's pod", "control pod", "verdict"),
        _group(found.rows),
    )
    told = {"Fault": found.faults, "Warning": found.warnings, "Note": found.notes}
    for kind, lines in told.items():
        for line in lines:
            print(printable(f"{kind}: {line}"))
    print(printable(found.sentence))


def _group(rows: Iterable[Row]) -> list[tuple[str, str, str, str, str]]:
    """One row for all targets of a kind that went the same way; what is wrong comes first."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for row in sorted(rows, key=lambda row: not row.finding.state.is_fault):  # stable
        exam, control = row.finding.exam.name, row.finding.control.name
        key = (row.target.kind.value, _OUTCOMES[exam], _OUTCOMES[control], _tell(row))
        groups.setdefault(key, []).append(row.target.title)
    return [
        (kind, _join_ports(titles), exam, control, verdict)
        for (kind, exam, control, verdict), titles in groups.items()
    ]


def _join_ports(titles: Iterable[str]) -> str:
    """Such as `1.1.1.1 port 443, 853; 8.8.8.8 port 443`."""
    ports: dict[str, list[str]] = {}
    for title in titles:
        place, named, port = title.rpartition(_PORT)
        ports.setdefault(place if named else title, []).extend([port] if named else [])
    return "; ".join(
        f"{place}{_PORT}{', '.join(numbers)}" if numbers else place
        for place, numbers in ports.items()
    )


def _tell(row: Row) -> str:
    after = "" if row.closed_after is None else f", after {row.closed_after:g} s"
    return f"{_VERDICTS[row.finding.state.name]}{after}"
