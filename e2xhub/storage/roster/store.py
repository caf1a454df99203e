"""The interface of every place in which a roster is kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import RosterChange, needed_part
from e2xhub.errors import E2xHubError


class RosterNotChangedError(E2xHubError):
    """The roster cannot be changed; it is as it was."""


class RosterBusyError(RosterNotChangedError):
    """Not at the moment: somebody else changes it, or its database does not answer."""


class RosterStore(Protocol):
    """A place in which a roster is kept: CSV files or a database."""

    def load(
        self, catalog: Catalog, *, may_be_new: bool = False, may_be_uncounted: bool = False
    ) -> Roster:
        """The roster; raises FaultsFoundError with every fault where it has any.

        `may_be_new`: a place that holds no roster yet, and could, holds an empty one, as for
        `update`. `may_be_uncounted`: also where `fingerprint` could not tell a later change. A hub
        allows neither.
        """

    def fingerprint(self) -> Hashable:
        """Tells one state from another: differs whenever `load` might give something else.

        Cheap, because it is asked for every second. Never raises for a place that cannot be read:
        that is a state as well.
        """

    def update(self, catalog: Catalog, decide: Callable[[Roster], RosterChange]) -> RosterChange:
        """Makes the change that `decide` finds for the roster as it is; the change that was made.

        Nobody else changes the roster meanwhile, and the change is made wholly or not at all.
        Raises FaultsFoundError where the roster has faults, RosterNotChangedError where the place
        does not allow the change, and what `decide` raises; the roster is left alone then. A place
        that holds no roster yet, and could, holds an empty one here, though `load` refuses it.
        """

    def check_writable(self) -> None:
        """Tries whether the place allows changes, and changes nothing.

        Raises RosterNotChangedError where it does not. May take as long as `update`.
        """


def find_change(
    decide: Callable[[Roster], RosterChange], found: Roster, catalog: Catalog
) -> RosterChange:
    """What a store has to change in the roster that it `found`.

    Raises RosterNotChangedError where a roster with the change could not be loaded again, and what
    `decide` raises.
    """
    change = decide(found)
    try:
        return needed_part(change, found, catalog)
    except ValueError as error:
        raise RosterNotChangedError(f"the roster cannot be changed: {error}") from None
