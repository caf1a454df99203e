"""A hub whose sign-in cannot be used ends with one line that says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2xhub.storage.pepper_file import ensure_pepper

LDAP = """
c.JupyterHub.authenticator_class = "e2x-ldap"
c.LDAPAuthenticator.server_address = "ldap.example.org"
c.LDAPAuthenticator.bind_dn_template = "uid={username},ou=people,dc=example,dc=org"
c.LDAPAuthenticator.allow_all = True
"""
EXAM = """
import e2xhub

e2xhub.configure(
    c,
    hub="exam",
    catalog={catalog!r},
    roster={roster!r},
    reload_seconds=0,
    database_url={database!r},
    pepper_file={pepper!r},
    staff_authenticator="e2x-ldap",
)
c.LDAPAuthenticator.server_address = "ldap.example.org"
c.LDAPAuthenticator.bind_dn_template = "uid={{username}},ou=people,dc=example,dc=org"
c.LDAPAuthenticator.search_fliter = "(employeeType=staff)"
"""
SIGN_ON = """
import e2xhub

e2xhub.configure(
    c,
    hub="assignment",
    catalog={catalog!r},
    roster={roster!r},
    reload_seconds=0,
    oauth={{"issuer": "https://login.example.org", "client_id": "hub"{more}}},
)
"""


def last_words(lines: str, place: Path) -> list[str]:
    """What a hub with these `lines` of configuration writes before it ends."""
    config = place / "jupyterhub_config.py"
    config.write_text(lines, encoding="utf-8")
    ours = {name: os.environ[name] for name in os.environ if not name.startswith("E2XHUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "--config", str(config)],
        cwd=place,
        env=ours,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    begin = "Bad config encountered during initialization: "
    return done.stderr.partition(begin)[2].splitlines()


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        (
            'c.LDAPAuthenticator.tls_strategy = "ldaps"',
            [
                "The 'tls_strategy' trait of a LDAPAuthenticator instance expected any of "
                "['before_bind', 'on_connect', 'insecure'], not the str 'ldaps'."
            ],
        ),
        (
            'c.LDAPAuthenticator.ca_file = "/no/such/file"',
            ["LDAPAuthenticator.ca_file '/no/such/file' is no file; expected certificates in PEM."],
        ),
        (
            'c.JupyterHub.load_groups = {"graders": {"users": ["alice"]}}',
            [
                "JupyterHub.load_groups is set, and the groups of whoever signs in replace those "
                "(manage_groups); remove load_groups, or set LDAPAuthenticator.manage_groups to "
                "False (with custom.e2xhub's oauth: remove oauth.group_claims)"
            ],
        ),
    ],
)
def test_faulty_directory_ends_the_hub_with_a_line(
    line: str, faults: list[str], tmp_path: Path
) -> None:
    assert last_words(f"{LDAP}{line}\n", tmp_path) == faults


def test_hub_whose_sign_in_leaves_groups_alone_may_have_groups_of_its_own(tmp_path: Path) -> None:
    lines = (
        "c.LDAPAuthenticator.manage_groups = False\n"
        'c.JupyterHub.load_groups = {"graders": {"users": ["alice"]}}\n'
        'c.JupyterHub.proxy_class = "no.such.Proxy"\n'  # so that it ends after the groups
    )
    assert "load_groups" not in "".join(last_words(f"{LDAP}{lines}", tmp_path))


def test_faulty_sign_in_of_staff_ends_an_exam_hub_with_a_line(
    catalog_file: Path, roster_directory: Path, tmp_path: Path
) -> None:
    ensure_pepper(tmp_path / "pepper")
    lines = EXAM.format(
        catalog=str(catalog_file),
        roster=str(roster_directory),
        database=f"sqlite:///{tmp_path}/e2xhub.sqlite",
        pepper=str(tmp_path / "pepper"),
    )
    assert last_words(lines, tmp_path) == [
        "LDAPAuthenticator.search_fliter is no setting; did you mean search_filter?"
    ]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("", "there is no client secret; set the environment variable E2XHUB_OAUTH_CLIENT_SECRET"),
        (
            ', "client_secret_file": "/no/such/file"',
            "/no/such/file: oauth.client_secret_file cannot be read (No such file or directory)",
        ),
    ],
)
def test_sign_on_without_a_secret_ends_the_hub_with_a_line(
    more: str, fault: str, catalog_file: Path, roster_directory: Path, tmp_path: Path
) -> None:
    lines = SIGN_ON.format(catalog=str(catalog_file), roster=str(roster_directory), more=more)
    [told] = last_words(lines, tmp_path)
    assert fault in told
