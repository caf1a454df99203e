"""Reads the members of a course from a learning platform, as rows for the import.

A member is an entry of NRPS 2.0 (https://www.imsglobal.org/spec/lti-nrps/v2p0), which
`imports.lti.service` fetches. What becomes of the rows is `domain.roster_imports`' matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from typing import Any

from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.identifiers import Username
from e2xhub.domain.lti_roles import parse_lti_roles
from e2xhub.errors import ConfigurationError, Fault, FaultsFoundError
from e2xhub.imports.lti.platform import (
    CUSTOM_PREFIX,
    DEFAULT_LIMITS,
    EMAIL_LOCAL_PART,
    Limits,
    LtiPlatform,
    load_platform,
    load_private_key,
    name_url,
)

_LEFT_OUT_STATUS = ("inactive", "deleted")
_CUSTOM_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/custom"
_EXTENSION_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/ext"
_SHOWN_LENGTH = 60


def read_lti_members(settings: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[ForeignRow]:
    """The active members of the course that the YAML file `settings` names.

    A row's `roles` are our own words (`student`, `grader`, `instructor`), its `file` is the
    service's address and its `line` the number of the member. Left out are members who are not
    active, test users, and people without a counterpart here (see `domain.lti_roles`).

    Raises FaultsFoundError with every fault of the settings, or of the members; ConfigurationError
    where the key or the package for LTI is missing; `service.LtiPlatformError` where the
    platform does not answer as it should. Nothing is yielded before everything was read.
    """
    platform = load_platform(settings)
    private_key = load_private_key(platform.private_key_file)
    try:
        from e2xhub.imports.lti.service import LtiService
    except ImportError as error:
        raise ConfigurationError(
            f"reading members over LTI needs the package {error.name}; "
            "install it with: pip install 'e2xhub[lti]'"
        ) from None
    with LtiService(platform, private_key, limits) as service:
        rows = parse_members(service.pages(), platform, limits)
    yield from rows


def parse_members(
    pages: Iterable[list[Any]], platform: LtiPlatform, limits: Limits = DEFAULT_LIMITS
) -> list[ForeignRow]:
    """The rows of the members in `pages`; raises FaultsFoundError with every fault."""
    reader = _MemberReader(platform, limits.members)
    for page in pages:
        reader.read(page)
    return reader.finish()


@dataclass(frozen=True, kw_only=True)
class _Person:
    """Who has a username: the platform's id, and the number of the member who was first."""

    user_id: str
    number: int


class _MemberReader:
    """Makes rows of members and remembers what was wrong with them."""

    def __init__(self, platform: LtiPlatform, most_members: int) -> None:
        self._platform = platform
        self._most_members = most_members
        self._file = name_url(platform.memberships_url)
        self._number = 0
        self._rows: list[ForeignRow] = []
        self._faults: list[Fault] = []
        self._people: dict[str, _Person] = {}

    def read(self, page: list[Any]) -> None:
        """Takes up the members of a page."""
        for member in page:
            self._number += 1
            if self._number > self._most_members:
                message = f"there are more than {self._most_members} members"
                self._faults.append(self._fault(message))
                raise FaultsFoundError(self._faults)
            try:
                row = self._read_member(member)
            except ValueError as error:
                self._faults.append(self._fault(str(error)))
            else:
                self._rows += [row] if row else []

    def finish(self) -> list[ForeignRow]:
        """The rows; raises FaultsFoundError if there are faults."""
        if self._faults:
            raise FaultsFoundError(self._faults)
        return self._rows

    def _read_member(self, member: Any) -> ForeignRow | None:
        """The row of a member, None for one who is left out; raises ValueError."""
        if not isinstance(member, dict):
            raise ValueError(f"{_show(member)} is no member; expected an object")
        if not _is_active(member):
            return None
        roles = parse_lti_roles(_role_uris(member), ignored=self._platform.ignored_roles)
        if not roles:
            return None
        username = find_username(member, self._platform)
        self._check_is_one_person(username, _text(member, "user_id"))
        return ForeignRow(
            file=self._file,
            line=self._number,
            username=username,
            roles=tuple(role.value for role in roles),
        )

    def _check_is_one_person(self, username: str, user_id: str) -> None:
        """Two accounts of the platform must not become one user of the hub."""
        try:
            name = str(Username.parse(username))
        except ValueError:
            return  # the import says so
        first = self._people.setdefault(name, _Person(user_id=user_id, number=self._number))
        if first.user_id != user_id:
            raise ValueError(
                f"the username {name!r} belongs to member {first.number} already, who is somebody "
                "else; expected one account for each username"
            )

    def _fault(self, message: str) -> Fault:
        return Fault(file=self._file, line=self._number, message=message)


def _is_active(member: Mapping[str, Any]) -> bool:
    """Whether somebody takes part now; who has no status does (NRPS 2.0)."""
    status = str(member.get("status") or "Active").lower()
    if status != "active" and status not in _LEFT_OUT_STATUS:
        raise ValueError(
            f"the status {_show(member['status'])} is not known; "
            "expected Active, Inactive or Deleted"
        )
    return status == "active"


def _role_uris(member: Mapping[str, Any]) -> list[str]:
    uris = member.get("roles", [])
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise ValueError(f"the roles {_show(uris)} are no list of texts")
    return uris


def find_username(member: Mapping[str, Any], platform: LtiPlatform) -> str:
    """What the settings say is the member's username; raises ValueError where it is missing."""
    source = platform.username_from
    if source == EMAIL_LOCAL_PART:
        return _local_part(_text(member, "email"), platform.email_domain or "")
    if source.startswith(CUSTOM_PREFIX):
        name = source.removeprefix(CUSTOM_PREFIX)
        found = _claim(member, _CUSTOM_CLAIM, name)
        if found.startswith("$"):  # LTI 1.3, appendix B: passed on as it is where not supported
            raise ValueError(f"the platform does not fill in {_show(found)} for {source!r}")
    else:
        found = _text(member, source)
        if not found and source == "ext_user_username":
            found = _claim(member, _EXTENSION_CLAIM, "user_username")
    if not found:
        raise ValueError(f"{source!r} is missing, from which the username is taken")
    return found


def _local_part(email: str, domain: str) -> str:
    local_part, _, found = email.rpartition("@")
    if not local_part or found.lower() != domain:
        raise ValueError(
            f"the e-mail address {_show(email)} is not of {domain!r}; expected one from which the "
            "username can be taken"
        )
    return local_part


def _claim(member: Mapping[str, Any], claim: str, name: str) -> str:
    """A text in a claim of the member's launch message, if `rlid` was asked for."""
    messages = member.get("message")
    for message in messages if isinstance(messages, list) else [messages]:
        values = message.get(claim) if isinstance(message, dict) else None
        if isinstance(values, dict) and (found := _text(values, name)):
            return found
    return ""


def _text(values: Mapping[str, Any], key: str) -> str:
    """A text, or a number as some platforms write ids; empty where there is none."""
    value = values.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) else ""


def _show(value: object) -> str:
    """A platform's value in a message: shortened, however deep and long it is."""
    shortened = Repr()
    shortened.maxstring = shortened.maxother = _SHOWN_LENGTH
    return shortened.repr(value)
