"""The environment variables of a server: what the catalog says, and what programs should know."""

from __future__ import annotations

from collections.abc import Mapping

from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import Settings

# Where programs keep what they need while they run, in a server whose home they cannot write.
_SCRATCH = {
    "IPYTHONDIR": "/tmp/ipython",  # noqa: S108 - of the pod, and of nobody else
    "JUPYTERLAB_SETTINGS_DIR": "/tmp/jupyter/lab/settings",  # noqa: S108
    "JUPYTERLAB_WORKSPACES_DIR": "/tmp/jupyter/lab/workspaces",  # noqa: S108
    "JUPYTER_CONFIG_DIR": "/tmp/jupyter/config",  # noqa: S108
    "JUPYTER_DATA_DIR": "/tmp/jupyter/data",  # noqa: S108
    "JUPYTER_RUNTIME_DIR": "/tmp/jupyter/runtime",  # noqa: S108
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
}


def plan_environment(
    settings: Settings, owner: ServerOwner, *, home: str | None, exchange: Mapping[str, str]
) -> dict[str, str]:
    """The variables of the server of `owner`, by name.

    The catalog's own (`settings.environment`) win over what is only helpful; what nbgrader needs
    (`exchange`) and what says who the server is for (`E2XHUB_…`) win over the catalog's.
    """
    return {
        **_user(settings, owner),
        **({"HOME": home} if home else {}),
        **({"LANGUAGE": settings.language} if settings.language else {}),
        **(_SCRATCH if owner.writes_nothing else {}),
        **settings.environment,
        **exchange,
        **_place(settings, owner),
    }


def _user(settings: Settings, owner: ServerOwner) -> dict[str, str]:
    """Who is at work, for programs that find nobody with that number in the image."""
    run_as = settings.run_as[owner.role]
    return {
        "USER": owner.username,
        "LOGNAME": owner.username,
        "NB_UID": str(run_as.user),
        "NB_GID": str(run_as.group),
    }


def _place(settings: Settings, owner: ServerOwner) -> dict[str, str]:
    """`E2XHUB_COURSE` and so on."""
    values = dict(owner.values)
    if settings.language:
        values["language"] = settings.language
    return {f"E2XHUB_{name.upper()}": text for name, text in values.items()}
