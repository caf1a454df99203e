"""A hub of its own whose people sign in with a directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from e2xhub.domain.roles import HubKind
from tests.authenticators.ldap.people import GROUPS, PEOPLE, SERVICE_DN, password_of
from tests.authenticators.ldap.slapd import Slapd
from tests.hub.configured_hub import OwnHub
from tests.hub.demo_process import DemoProcess
from tests.hub.single_hub import run_hub


def traits_of(directory: Slapd, **changes: Any) -> dict[str, Any]:
    """What an admin sets for `directory`: a look-up with a service account, over STARTTLS."""
    return {
        "server_address": str(directory.address),
        "ca_file": str(directory.ca_file),
        "lookup_dn": True,
        "lookup_dn_search_user": SERVICE_DN,
        "lookup_dn_search_password": password_of("hub"),
        "user_search_base": PEOPLE,
        "user_attribute": "uid",
        "group_search_base": GROUPS,
        "allow_all": True,
        "auth_refresh_age": 1,
        **changes,
    }


def lines_for(traits: Mapping[str, Any]) -> str:
    """Lines of a configuration that set `traits`."""
    return "\n".join(f"c.LDAPAuthenticator.{name} = {value!r}" for name, value in traits.items())


@asynccontextmanager
async def run_ldap_hub(
    place: Path, demo: DemoProcess, traits: Mapping[str, Any], *, kind: HubKind = HubKind.GRADING
) -> AsyncIterator[OwnHub]:
    """A hub that nobody is on the roster of; the groups `graders` and `math101-students` give
    memberships of the course databases."""
    chosen = 'c.JupyterHub.authenticator_class = "e2x-ldap"\n'
    own = await OwnHub.plan_in(
        place, demo, kind=kind, usernames=["theo"], lines=chosen + lines_for(traits)
    )
    term = own.term

    def add_groups(catalog: dict[str, Any]) -> None:
        database = {"course": "databases", "term": term}
        catalog["groups"] = [
            {"pattern": "graders", "role": "grader", **database},
            {"pattern": "math101-students", "role": "student", **database},
        ]

    own.change_catalog(add_groups)
    async with run_hub(own.plan):
        yield own
