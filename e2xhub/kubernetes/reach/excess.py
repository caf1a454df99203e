"""What a reach grants beyond another: never too little, and exact wherever that can be known.

A grant is a set of (peer, port). What several allowed grants cover together counts as covered:
blocks that were split, ports of two policies, values of a label in two selectors. What cannot be
known counts as excess:

- an ipBlock is never covered by pods, nor pods by a block: whether a block holds pods depends on
  the network plug-in, and which pods have which addresses changes;
- "anyone" covers everything, and is covered by nothing but "anyone" on the same ports: the nodes,
  for example, are in no block for some plug-ins;
- a port's name is covered by the same name, or by every port of its protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from e2xhub.kubernetes.reach.evaluation import Direction, Reach
from e2xhub.kubernetes.reach.peers import Anyone, Block, Peer, Pods
from e2xhub.kubernetes.reach.policies import Grant
from e2xhub.kubernetes.reach.ports import NO_PORTS, Ports
from e2xhub.kubernetes.reach.regions import (
    AddressRegion,
    Piece,
    PodRegion,
    describe_block,
    subtract,
)


@dataclass(frozen=True)
class Excess:
    """Something that is granted and not allowed."""

    direction: Literal["egress", "ingress"]
    grant: Grant
    """The part of a policy's grant that is not allowed.

    Of a block, exactly these addresses and ports; of pods, the whole selector with every port
    that is not allowed for each of them.
    """

    @property
    def policy(self) -> str:
        """The policy that grants it, as `namespace/name`; empty where no policy isolates."""
        return "" if self.grant.policy is None else str(self.grant.policy)

    def __str__(self) -> str:
        """Such as `exam/allow-all: egress to 0.0.0.0/0 on all ports`."""
        way = "to" if self.direction == "egress" else "from"
        ports = "all ports" if self.grant.ports.is_everything else f"{self.grant.ports}"
        who = self.policy or "no policy restricts it"
        return f"{who}: {self.direction} {way} {self.grant.peer} on {ports}"


def find_excess(reach: Reach, allowed: Reach) -> list[Excess]:
    """What `reach` grants beyond `allowed`; empty: nothing. Both are of one pod (`reach_of`).

    Whenever some peer gets more under `reach` than under `allowed`, there is an Excess.
    """
    egress = _Allowance(allowed.egress)
    ingress = _Allowance(allowed.ingress)
    return [
        *(Excess("egress", part) for part in egress.find_rest(reach.egress)),
        *(Excess("ingress", part) for part in ingress.find_rest(reach.ingress)),
    ]


class _Allowance:
    """What is allowed in one direction, in the form in which it is taken away."""

    def __init__(self, direction: Direction) -> None:
        grants = direction.grants
        self._of_anyone = NO_PORTS
        for grant in grants:
            if isinstance(grant.peer, Anyone):
                self._of_anyone = self._of_anyone | grant.ports
        self._blocks = _merge(
            (AddressRegion.of(grant.peer), grant.ports)
            for grant in grants
            if isinstance(grant.peer, Block)
        )
        self._pods = [
            (PodRegion.of(grant.peer), grant.ports)
            for grant in grants
            if isinstance(grant.peer, Pods)
        ]

    def find_rest(self, direction: Direction) -> list[Grant]:
        """The parts of its grants that are not allowed, in their order."""
        return [
            Grant(grant.policy, peer, ports)
            for grant in direction.grants
            for peer, ports in self._find_rest(grant.peer, grant.ports - self._of_anyone)
        ]

    def _find_rest(self, peer: Peer, ports: Ports) -> list[tuple[Peer, Ports]]:
        if not ports:
            return []
        if isinstance(peer, Anyone):
            return [(peer, ports)]
        if isinstance(peer, Block):
            whole = AddressRegion.of(peer)
            pieces = subtract((whole, ports), self._blocks)
            return [
                (peer if region == whole else describe_block(region), left)
                for region, left in pieces
            ]
        left = NO_PORTS
        for _, of_piece in subtract((PodRegion.of(peer), ports), self._pods):
            left = left | of_piece
        return [(peer, left)] if left else []


def _merge(pieces: Iterable[Piece[AddressRegion]]) -> list[Piece[AddressRegion]]:
    """Those with equal ports as one, so that a long list of networks is taken away at once."""
    merged: dict[Ports, AddressRegion] = {}
    for region, ports in pieces:
        merged[ports] = merged[ports] | region if ports in merged else region
    return [(region, ports) for ports, region in merged.items()]
