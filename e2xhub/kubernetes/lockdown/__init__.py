"""Keeps the lockdown of running servers true: the NetworkPolicies of a cluster, made and watched.

`writing` makes one policy exist, `watch` knows all that there are, `judgement` says whether they
leave a lockdown true, and `verdicts` remembers it; `needed` says which ones servers need, `access`
which ones hub and proxy. `keeper` does it all for one hub, with `sweeper`, and has `complaints` and
`refusals` for those who watch; `locked_spawner` asks the keeper at each start.
"""

from e2xhub.kubernetes.lockdown.locked_spawner import LockedSpawner
from e2xhub.kubernetes.lockdown.writing import PolicyError

__all__ = ["LockedSpawner", "PolicyError"]
