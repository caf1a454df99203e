"""Which of our files an examinee's server gets for what is shown beside the work.

They are an extension of JupyterLab that is built already. It lies where every Jupyter looks,
whatever the image's own `JUPYTER_PATH` is. What it shows is `domain.examinee_view`.
"""

from __future__ import annotations

from collections.abc import Mapping

from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner

EXTENSION = "/usr/local/share/jupyter/labextensions/e2xhub"
"""Where the extension is in a server."""
SCRIPTS = (
    "exam_bar.css",
    "exam_bar.js",
    "hub.js",
    "jupyter.js",
    "lock.js",
    "remoteEntry.js",
    "watch.js",
)


def files_for(owner: ServerOwner) -> Mapping[str, str]:
    """Names of modules of `e2xhub.in_pod`, by absolute path in the server of `owner`."""
    if owner.exam is None or owner.role is not Role.STUDENT or owner.hub is not HubKind.EXAM:
        return {}
    return {
        f"{EXTENSION}/package.json": "exam_bar/package.json",
        **{f"{EXTENSION}/static/{name}": f"exam_bar/{name}" for name in SCRIPTS},
    }
