"""Who may reach what, shown: rows, a picture and faults with what mends them.

`documents` and `cluster` read, `network` is what was read, `server` is who is judged, `judgement`
judges it by `kubernetes.reach`, `view` is the answer, and `picture` draws it.
"""

from e2xhub.kubernetes.reach_view.cluster import read_network, read_servers
from e2xhub.kubernetes.reach_view.documents import load_manifests
from e2xhub.kubernetes.reach_view.judgement import make_view
from e2xhub.kubernetes.reach_view.network import Network, find_only_namespace, make_network_of_files
from e2xhub.kubernetes.reach_view.picture import draw_svg
from e2xhub.kubernetes.reach_view.server import (
    LockedServer,
    NotLockedError,
    configure_as_chart,
    find_surroundings,
    make_locked_server,
    with_chart_pods,
)
from e2xhub.kubernetes.reach_view.view import (
    NeededConnection,
    ReachFault,
    ReachRow,
    ReachView,
    Side,
    to_json,
)

__all__ = [
    "LockedServer",
    "NeededConnection",
    "Network",
    "NotLockedError",
    "ReachFault",
    "ReachRow",
    "ReachView",
    "Side",
    "configure_as_chart",
    "draw_svg",
    "find_only_namespace",
    "find_surroundings",
    "load_manifests",
    "make_locked_server",
    "make_network_of_files",
    "make_view",
    "read_network",
    "read_servers",
    "to_json",
    "with_chart_pods",
]
