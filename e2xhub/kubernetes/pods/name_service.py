"""The names that a locked pod knows, and whether it may ask for others."""

from __future__ import annotations

from typing import Any

from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.pods.fields import write
from e2xhub.kubernetes.pods.host_aliases import Hosts, aliases_of, merge_hosts

# Kubernetes demands a resolver where it gives none itself. Nobody answers at this one, and says so
# at once, while a resolver behind a policy would have each look-up wait for its time-out.
_NOBODY = "127.0.0.1"


def set_name_service(spec: Any, lockdown: Lockdown, hub_hosts: Hosts) -> None:
    """Gives the pod of `spec` the names of its lockdown; without name service, no others.

    `hub_hosts` are the names of the hub by address: the one name that a server cannot do without,
    and so the first. The pod's own aliases follow, then those of its destinations.
    """
    of_the_hub: Hosts = {}
    if not lockdown.name_service:
        of_the_hub = hub_hosts
        write(spec, "dnsPolicy", "None")
        write(spec, "dnsConfig", {"nameservers": [_NOBODY]})
    aliases = merge_hosts(of_the_hub.items(), aliases_of(spec), lockdown.hosts.items())
    if aliases:
        write(spec, "hostAliases", aliases)
