"""`e2xhub ldap test` says what a real directory answers, and never a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.authenticators.ldap.people import GROUPS, PEOPLE, SERVICE_DN, password_of
from tests.authenticators.ldap.slapd import Slapd, find_free_ports, slapd
from tests.cli.program import Outcome, call_e2xhub
from tests.log_search import SEARCH

SETTINGS = {"lookup_dn": True, "user_search_base": PEOPLE, "user_attribute": "uid"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The university's."""
    with slapd(tmp_path_factory.mktemp("directory")) as server:
        yield server


@pytest.fixture
def traits(directory: Slapd, tmp_path: Path) -> dict[str, Any]:
    """What an admin sets; the password is in a file."""
    secret = tmp_path / "password"
    secret.write_text(password_of("hub") + "\n", encoding="utf-8")
    return {
        "server_address": str(directory.address),
        "ca_file": str(directory.ca_file),
        "lookup_dn_search_user": SERVICE_DN,
        "lookup_dn_search_password_file": str(secret),
        "group_search_base": GROUPS,
        "allowed_groups": [f"cn=graders,{GROUPS}"],
        "admin_groups": [f"cn=admins,{GROUPS}"],
        **SETTINGS,
    }


@pytest.fixture
def config(traits: dict[str, Any], tmp_path: Path) -> Path:
    """The hub's jupyterhub_config.py."""
    return write_config(tmp_path / "jupyterhub_config.py", traits)


def write_config(path: Path, traits: dict[str, Any]) -> Path:
    lines = [f"c.LDAPAuthenticator.{name} = {value!r}\n" for name, value in traits.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def try_with_password(password: str, *arguments: object) -> Outcome:
    """The program in a process of its own, with the password on standard input."""
    command = [sys.executable, "-m", "e2xhub", "ldap", "test", "--ask-password"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    SEARCH.keep_secret(password)
    SEARCH.note_written("ldap test", done.stdout + done.stderr)
    return Outcome(status=done.returncode, output=done.stdout, errors=done.stderr)


# --- who would come in


def test_person_with_the_right_password_is_admitted(config: Path) -> None:
    done = try_with_password(password_of("gina"), "--user", "gina", "--config", config)
    assert done.status == 0, done.errors
    assert done.output.splitlines()[-4:] == [
        f"gina: uid=gina,{PEOPLE}",
        "gina is admitted: is in one of allowed_groups.",
        "Admin: no; whoever was one is one no longer.",
        "Groups: graders, observers.",
    ]
    assert f"bind as uid=gina,{PEOPLE}" in done.output
    assert password_of("gina") not in done.output + done.errors


def test_wrong_password_keeps_the_person_out_and_is_sent_once(config: Path) -> None:
    asked = ("--user", "gina", "--config", config, "--json")
    for _ in range(2):  # three wrong ones would lock the account
        done = try_with_password("a wrong one", *asked)
        assert done.status == 1
        refused = [step for step in done.json["steps"] if step["verdict"] == "refused"]
        assert [step["title"] for step in refused] == ["password"]
        assert done.json["admitted"] is False
        assert "a wrong one" not in done.output + done.errors
    assert try_with_password(password_of("gina"), *asked).status == 0


def test_without_a_password_the_rest_is_explained(config: Path) -> None:
    done = call_e2xhub("ldap", "test", "--user", "ito", "--config", config)
    assert done.status == 0, done.errors
    assert "ito is admitted: is in one of allowed_groups." in done.output
    assert "Admin: yes." in done.output
    assert done.output.endswith("The password was not tried (--ask-password).\n")


@pytest.mark.parametrize("typed", ["Alice", "ALICE"])
def test_capitals_do_not_change_the_verdict(
    traits: dict[str, Any], tmp_path: Path, typed: str
) -> None:
    only_by_uid = {
        "group_attributes": ["memberUid"],
        "allowed_groups": [f"cn=shell-users,{GROUPS}"],
    }
    config = write_config(tmp_path / "capitals.py", {**traits, **only_by_uid})
    done = call_e2xhub("ldap", "test", "--user", typed, "--config", config)
    assert done.status == 0, done.errors
    assert "alice is admitted: is in one of allowed_groups." in done.output


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"allowed_users": ["Alice"]}, "is in allowed_users"),
        ({"allowed_users": ["ben"], "admin_users": ["Alice"]}, "is in allowed_users"),
        ({"allow_all": True, "blocked_users": ["ALICE"]}, "is in blocked_users"),
    ],
)
def test_names_in_the_settings_count_as_the_hub_writes_them(
    traits: dict[str, Any], tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    config = write_config(tmp_path / "names.py", {**traits, **changes})
    done = call_e2xhub("ldap", "test", "--user", "alice", "--config", config, "--json")
    assert done.json["reason"] == reason


def test_person_who_types_an_address_is_found_by_it(traits: dict[str, Any], tmp_path: Path) -> None:
    by_mail = {
        "user_attribute": "mail",
        "lookup_dn_user_dn_attribute": "uid",
        "use_lookup_dn_username": True,
        "valid_username_regex": "^[a-z][.@a-z0-9_-]*$",
        "allow_all": True,
    }
    config = write_config(tmp_path / "mail.py", {**traits, **by_mail})
    asked = ("ldap", "test", "--config", config, "--json", "--user")
    done = call_e2xhub(*asked, "alice@example.org")
    assert (done.status, done.json["username"]) == (0, "alice")
    assert call_e2xhub(*asked, "nobody@example.org").status == 1


def test_person_whom_nothing_admits_is_told_and_why(config: Path) -> None:
    done = call_e2xhub("ldap", "test", "--user", "alice", "--config", config)
    assert done.status == 1
    reason = "is admitted by none of allow_all, allowed_users and allowed_groups"
    assert f"alice is NOT admitted: {reason}." in done.output


def test_settings_that_admit_nobody_are_told_without_a_password(
    traits: dict[str, Any], tmp_path: Path
) -> None:
    direct = {"bind_dn_template": f"uid={{username}},{PEOPLE}", "group_search_base": GROUPS}
    servers = {name: traits[name] for name in ("server_address", "ca_file")}
    config = write_config(tmp_path / "direct.py", {**servers, **direct})
    asked = ("ldap", "test", "--user", "gina", "--config", config)
    done = call_e2xhub(*asked)
    assert done.status == 1
    why = "nobody is admitted: allow_all, allowed_users and allowed_groups are all empty"
    assert f"'gina' is refused: {why}" in done.output
    told = call_e2xhub(*asked, "--json").json
    assert (told["admitted"], told["reason"]) == (False, why)
    config = write_config(tmp_path / "direct.py", {**servers, **direct, "allow_all": True})
    assert call_e2xhub(*asked).status == 0


@pytest.mark.parametrize("username", ["nobody", "*)(uid=*", ""])
def test_person_who_is_not_there_is_not_admitted(config: Path, username: str) -> None:
    done = call_e2xhub("ldap", "test", "--user", username, "--config", config, "--json")
    assert done.status == 1
    assert done.json["username"] is None
    assert done.json["admitted"] is False


def test_server_that_is_down_keeps_nobody_out_while_another_one_answers(
    traits: dict[str, Any], tmp_path: Path
) -> None:
    (nobody,) = find_free_ports(1)
    addresses = [f"localhost:{nobody}", traits["server_address"]]
    config = write_config(tmp_path / "two.py", {**traits, "server_address": addresses})
    done = call_e2xhub("ldap", "test", "--user", "gina", "--config", config, "--json")
    assert done.status == 0, done.errors
    assert {step["server"]: step["verdict"] for step in reversed(done.json["steps"])} == {
        f"localhost:{nobody}": "refused",
        traits["server_address"]: "fine",
    }


def test_no_server_that_answers_keeps_everybody_out(traits: dict[str, Any], tmp_path: Path) -> None:
    (nobody,) = find_free_ports(1)
    config = write_config(tmp_path / "down.py", {**traits, "server_address": f"localhost:{nobody}"})
    assert call_e2xhub("ldap", "test", "--user", "gina", "--config", config).status == 1


# --- the catalog


def test_catalog_says_which_memberships_the_groups_are(
    config: Path, catalog_file: Path, tmp_path: Path
) -> None:
    declared = yaml.safe_load(catalog_file.read_text(encoding="utf-8"))
    course, known = next(iter(declared["courses"].items()))
    term = next(iter(known["terms"]))
    declared["groups"] = [
        {"pattern": "graders", "course": course, "term": term, "role": "grader"},
        {"pattern": "math101-students", "course": course, "term": term, "role": "student"},
    ]
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(yaml.safe_dump(declared), encoding="utf-8")
    asked = ("ldap", "test", "--user", "gina", "--config", config, "--catalog", catalog)
    done = call_e2xhub(*asked)
    assert f"Through groups: grader of {course}, {term}." in done.output
    assert call_e2xhub(*asked, "--json").json["memberships"] == [
        {"course": course, "term": term, "role": "grader"}
    ]
    done = call_e2xhub(*asked[:3], "ito", "--config", config, "--catalog", catalog_file)
    assert "Through groups: no membership" in done.output


# --- where settings come from


def test_values_of_several_files_are_joined_as_helm_does(
    traits: dict[str, Any], tmp_path: Path
) -> None:
    below, above = tmp_path / "common.yaml", tmp_path / "ours.yaml"
    wrong = {"user_search_base": "dc=nowhere", "search_filter": "(uid=nobody)"}
    below.write_text(
        yaml.safe_dump({"hub": {"config": {"LDAPAuthenticator": {**traits, **wrong}}}})
    )
    right = {"user_search_base": PEOPLE, "search_filter": None, "allowed_groups": []}
    given = {"LDAPAuthenticator": right, "Authenticator": {"allow_all": True}}
    above.write_text(yaml.safe_dump({"hub": {"config": given}, "proxy": {}}))
    done = call_e2xhub(
        "ldap", "test", "--user", "alice", "--values", below, "--values", above, "--json"
    )
    assert done.status == 0, done.errors
    assert done.json["reason"] == "allow_all admits everybody"
    assert done.json["groups"] == ["math101-students", "shell-users"]


OURS = "e2xhub.authenticators.ldap.authenticator.LDAPAuthenticator"


def choose(authenticator: str) -> dict[str, Any]:
    return {"hub": {"config": {"JupyterHub": {"authenticator_class": authenticator}}}}


def choose_for_staff(authenticator: str) -> dict[str, Any]:
    return {"custom": {"e2xhub": {"hub": "exam", "staff_authenticator": authenticator}}}


def notes_of(chosen: dict[str, Any], traits: dict[str, Any], place: Path) -> list[str]:
    ours, theirs = place / "ours.yaml", place / "theirs.yaml"
    ours.write_text(yaml.safe_dump({"hub": {"config": {"LDAPAuthenticator": traits}}}))
    theirs.write_text(yaml.safe_dump(chosen))
    asked = ("ldap", "test", "--user", "gina", "--values", ours, "--values", theirs)
    done = call_e2xhub(*asked, "--json")
    assert done.status == 0, done.errors
    told = [line for line in call_e2xhub(*asked).output.splitlines() if line.startswith("Note: ")]
    assert told == [f"Note: {note}" for note in done.json["notes"]]
    return [note for note in done.json["notes"] if "authenticator" in note]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, "JupyterHub.authenticator_class is not set here"),
        (choose("dummy"), "JupyterHub.authenticator_class is 'dummy'"),
        (choose("no.such.Class"), "JupyterHub.authenticator_class is 'no.such.Class'"),
        (choose_for_staff("pam"), "custom.e2xhub.staff_authenticator is 'pam'"),
    ],
)
def test_hub_that_signs_people_in_otherwise_is_told(
    traits: dict[str, Any], tmp_path: Path, chosen: dict[str, Any], found: str
) -> None:
    assert notes_of(chosen, traits, tmp_path) == [
        f"{found}; people sign in with this directory only where it is 'e2x-ldap', or on an exam "
        "hub custom.e2xhub.staff_authenticator"
    ]


def test_class_that_signs_people_in_otherwise_is_told_by_its_name(
    traits: dict[str, Any], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "class.py", traits)
    with config.open("a", encoding="utf-8") as lines:
        lines.write("from jupyterhub.auth import DummyAuthenticator\n")
        lines.write("c.JupyterHub.authenticator_class = DummyAuthenticator\n")
    done = call_e2xhub("ldap", "test", "--user", "gina", "--config", config)
    assert "Note: JupyterHub.authenticator_class is 'DummyAuthenticator'; people" in done.output


@pytest.mark.parametrize("chosen", [choose("e2x-ldap"), choose(OURS), choose_for_staff("e2x-ldap")])
def test_hub_that_signs_people_in_with_the_directory_is_not_noted(
    traits: dict[str, Any], tmp_path: Path, chosen: dict[str, Any]
) -> None:
    assert notes_of(chosen, traits, tmp_path) == []


@pytest.mark.parametrize("options", [[], ["--config", __file__, "--values", __file__]])
def test_settings_come_from_one_place(options: list[str]) -> None:
    done = call_e2xhub("ldap", "test", "--user", "alice", *options)
    assert done.status == 2
    assert "expected one of the two: --config, or --values" in done.error_text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hub: {config: {JupyterHub: {}}}", "nothing is set for LDAPAuthenticator"),
        ("", "nothing is set for LDAPAuthenticator"),
        ("- a list", "this is no mapping; expected helm values"),
        ("a: 1\nb: [", "values.yaml:2: this is not YAML; expected helm values"),
        (
            "hub: {config: {LDAPAuthenticator: {server_address: ldap://a}}}",
            "LDAPAuthenticator.server_address 'ldap://a' is no host",
        ),
        (
            "hub: {config: {LDAPAuthenticator: {search_fliter: (a=b)}}}",
            "LDAPAuthenticator.search_fliter is no setting; did you mean search_filter?",
        ),
        (
            "hub: {config: {LDAPAuthenticator: {tls_strategy: none}}}",
            "The 'tls_strategy' trait of a LDAPAuthenticator instance",
        ),
    ],
)
def test_faulty_values_are_told_in_a_line(text: str, fault: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(text, encoding="utf-8")
    done = call_e2xhub("ldap", "test", "--user", "alice", "--values", values)
    assert done.status == 1
    assert fault in done.errors
    assert "Traceback" not in done.errors


def test_no_step_has_a_secret(config: Path) -> None:
    done = try_with_password(password_of("gina"), "--user", "gina", "--config", config, "--json")
    assert json.loads(done.output)["password_tried"] is True
    for secret in (password_of("gina"), password_of("hub")):
        assert secret not in done.output + done.errors
