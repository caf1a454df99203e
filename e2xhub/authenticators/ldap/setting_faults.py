"""What can be wrong with the settings of a directory, each in a sentence that names the trait."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from e2xhub.authenticators.ldap.names import NotADnError, parse_dn

if TYPE_CHECKING:
    from e2xhub.authenticators.ldap.settings import DirectorySettings

PASSWORD_VARIABLE = "E2XHUB_LDAP_PASSWORD"  # noqa: S105, a name
"""The variable of the hub's environment that has the service account's password."""
_OWNER = "LDAPAuthenticator"
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*|[0-9]+(\.[0-9]+)+")
_HOST = re.compile(r"[A-Za-z0-9._:-]+(%[A-Za-z0-9]+)?")  # a name, or an IPv4 or IPv6 address
_GROUP_ATTRIBUTES = ("member", "uniqueMember", "memberUid", "memberOf")


def find_faults(settings: DirectorySettings) -> list[str]:
    """Each begins with the trait, `LDAPAuthenticator.server_address`."""
    return [f"{_OWNER}.{text}" for check in _CHECKS for text in check(settings)]


def _check_servers(settings: DirectorySettings) -> Iterator[str]:
    if not settings.servers:
        yield "server_address is empty; expected the host of a directory, 'ldap.example.org'."
    for server in settings.servers:
        if not _HOST.fullmatch(server.host):
            yield (
                f"server_address {server.host!r} is no host; expected a name or an IP address "
                "without 'ldap://', such as 'ldap.example.org'."
            )
        if not 0 < server.port < 65536:
            yield f"server_port is {server.port}; expected 1 to 65535."
    if len(set(settings.servers)) != len(settings.servers):
        yield "server_address names a server twice; name each once."


def _check_tls(settings: DirectorySettings) -> Iterator[str]:
    if settings.ca_file is None:
        return
    if settings.tls_strategy.value == "insecure":
        yield (
            "ca_file is set, but LDAPAuthenticator.tls_strategy 'insecure' checks nothing; "
            "choose 'before_bind' or 'on_connect', or remove ca_file."
        )
    if not settings.verify_certificates:
        yield (
            "ca_file is set, but LDAPAuthenticator.verify_certificates is False, so that nothing "
            "is checked; remove one of the two."
        )
    if not settings.ca_file.is_file():
        yield f"ca_file {str(settings.ca_file)!r} is no file; expected certificates in PEM."


def _check_times(settings: DirectorySettings) -> Iterator[str]:
    for name in ("connect_seconds", "answer_seconds", "total_seconds"):
        seconds = getattr(settings, name)
        if not 0 < seconds <= 300:
            yield f"{name} is {seconds}; expected more than 0 and at most 300 seconds."


def _check_way_to_a_dn(settings: DirectorySettings) -> Iterator[str]:
    if not settings.lookup_dn and not settings.bind_dn_template:
        yield (
            "bind_dn_template is empty and LDAPAuthenticator.lookup_dn is False, so that nobody "
            "has a DN; set one of the two."
        )
    if settings.lookup_dn:
        for name in ("user_search_base", "user_attribute"):
            if not getattr(settings, name):
                yield f"{name} is empty; LDAPAuthenticator.lookup_dn needs it."
    elif settings.lookup_dn_search_user:
        yield (
            "lookup_dn_search_user is set, but LDAPAuthenticator.lookup_dn is False, so that "
            "nobody is looked up; set lookup_dn = True."
        )
    if settings.use_lookup_dn_username and not settings.lookup_dn:
        yield "use_lookup_dn_username is set, but LDAPAuthenticator.lookup_dn is False; set both."


def _check_service_account(settings: DirectorySettings) -> Iterator[str]:
    has_password = bool(settings.lookup_dn_search_password)
    if settings.lookup_dn_search_user and not has_password:
        yield (
            "lookup_dn_search_user has no password: with an empty one a directory takes everybody "
            f"for nobody (RFC 4513, 5.1.2); set the environment variable {PASSWORD_VARIABLE} "
            "(hub.extraEnv) from a Secret, or LDAPAuthenticator.lookup_dn_search_password_file."
        )
    if has_password and not settings.lookup_dn_search_user:
        yield (
            "lookup_dn_search_password is set without LDAPAuthenticator.lookup_dn_search_user; "
            "set both or none."
        )
    if "\0" in settings.lookup_dn_search_password.reveal():
        yield "lookup_dn_search_password contains a NUL; check the file that it comes from."


def _check_templates(settings: DirectorySettings) -> Iterator[str]:
    for template in settings.bind_dn_template:
        yield from _check_placeholders("bind_dn_template", template, {"username"}, {"username"})
        if "=" in template:
            sample = template.replace("{username}", "a")
            yield from _check_dn("bind_dn_template", sample)
        elif not (settings.user_search_base and settings.user_attribute):
            yield (
                f"bind_dn_template {template!r} is no DN; then LDAPAuthenticator.user_search_base "
                "and LDAPAuthenticator.user_attribute are needed to find the person's entry."
            )


def _check_filters(settings: DirectorySettings) -> Iterator[str]:
    lookup = settings.lookup_dn_search_filter
    if settings.lookup_dn:
        yield from _check_filter(
            "lookup_dn_search_filter", lookup, {"login_attr", "login"}, {"login"}
        )
        yield from _check_finds_hub_names(settings)
    if settings.search_filter:
        known = {"userattr", "username"}
        yield from _check_filter("search_filter", settings.search_filter, known, set())
    if settings.group_search_filter:
        known = {"userdn", "uid"}
        yield from _check_filter("group_search_filter", settings.group_search_filter, known, set())
        if "{" not in settings.group_search_filter:
            yield (
                "group_search_filter has neither '{userdn}' nor '{uid}', so that everybody would "
                "be in every group."
            )


def _check_finds_hub_names(settings: DirectorySettings) -> Iterator[str]:
    """A search without the filter would find those whom it keeps out, such as closed accounts."""
    name, lookup = settings.name_attribute, settings.lookup_dn_search_filter
    is_sought = "{login_attr}" in lookup or f"({name}={{login}})".lower() in lookup.lower()
    is_other = name.lower() != settings.user_attribute.lower()
    if settings.use_lookup_dn_username and is_other and not is_sought:
        yield (
            f"lookup_dn_search_filter {lookup!r} lacks '{{login_attr}}', so that it finds nobody "
            f"by {name}, the name on the hub (LDAPAuthenticator.use_lookup_dn_username); write "
            "'({login_attr}={login})' where an attribute is compared with '{login}'."
        )


def _check_filter(name: str, text: str, known: set[str], needed: set[str]) -> Iterator[str]:
    faults = list(_check_placeholders(name, text, known, needed))
    if not faults and not (text.startswith("(") and text.count("(") == text.count(")")):
        faults.append(f"{name} {text!r} is no filter; expected parentheses, such as '(uid=…)'.")
    yield from faults


def _check_placeholders(name: str, text: str, known: set[str], needed: set[str]) -> Iterator[str]:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        yield f"{name} {text!r} cannot be filled in: {error}; write '{{' twice where it is meant."
        return
    found = {part[1] for part in parts if part[1] is not None}
    plain = all(not part[2] and not part[3] for part in parts)
    if not found <= known or not plain:
        yield f"{name} {text!r} has other placeholders than {_listed(known)}."
        return
    for missing in sorted(needed - found):
        yield f"{name} {text!r} lacks '{{{missing}}}', so that everybody would be the same."


def _check_names(settings: DirectorySettings) -> Iterator[str]:
    for name in ("user_attribute", "lookup_dn_user_dn_attribute", "group_name_attribute"):
        value = getattr(settings, name)
        if value and not _ATTRIBUTE.fullmatch(value):
            yield f"{name} {value!r} is no name of an attribute; expected one such as 'uid'."
    for value in settings.attributes:
        if not _ATTRIBUTE.fullmatch(value):
            yield f"attributes: {value!r} is no name of an attribute; expected one such as 'mail'."
    try:
        re.compile(settings.valid_username_regex)
    except re.error as error:
        yield f"valid_username_regex {settings.valid_username_regex!r} is no regex: {error}."


def _check_groups(settings: DirectorySettings) -> Iterator[str]:
    known = {name.lower() for name in _GROUP_ATTRIBUTES}
    for name in settings.group_attributes:
        if name.lower() not in known:
            yield f"group_attributes: {name!r} is none of {', '.join(_GROUP_ATTRIBUTES)}."
    for trait in ("allowed_groups", "admin_groups"):
        for text in getattr(settings, trait):
            yield from _check_group(trait, text)
            if "=" not in text and not _is_dn_made_of(settings, text):
                yield (
                    f"{trait}: {text!r} is a name, and several groups of a directory may have it; "
                    "write the group's DN, or set LDAPAuthenticator.group_search_base: then the "
                    "one directly below it is meant."
                )
    for text, name in settings.group_names.items():
        yield from _check_dn("group_names", text)
        if not name.strip():
            yield f"group_names: {text!r} has an empty name."
    if settings.nested_groups.value != "off" and not settings.group_search_base:
        yield "nested_groups needs LDAPAuthenticator.group_search_base."


def _is_dn_made_of(settings: DirectorySettings, name: str) -> bool:
    if name in settings.group_names.values():
        return True
    return bool(settings.group_search_base) and settings.group_name_attribute.lower() != "dn"


def _check_group(trait: str, text: str) -> Iterator[str]:
    if not text.strip():
        yield f"{trait} contains an empty name; remove it."
    elif "=" in text:
        yield from _check_dn(trait, text)


def _check_bases(settings: DirectorySettings) -> Iterator[str]:
    for name in ("user_search_base", "group_search_base"):
        text = getattr(settings, name)
        if text:
            yield from _check_dn(name, text)


def _check_dn(trait: str, text: str) -> Iterator[str]:
    try:
        parse_dn(text)
    except NotADnError as error:
        yield (
            f"{trait}: {text!r} is no DN: {error}; expected one such as "
            "'cn=graders,ou=groups,dc=example,dc=org'."
        )


def _listed(names: set[str]) -> str:
    return " and ".join(f"'{{{name}}}'" for name in sorted(names))


_CHECKS: tuple[Callable[[DirectorySettings], Iterator[str]], ...] = (
    _check_servers,
    _check_tls,
    _check_times,
    _check_way_to_a_dn,
    _check_service_account,
    _check_templates,
    _check_filters,
    _check_names,
    _check_groups,
    _check_bases,
)
