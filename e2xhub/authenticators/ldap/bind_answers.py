"""What a directory means by its answer to a password.

The password policy's control is draft-behera-ldap-password-policy-10, section 6.2; it says more
than the result code, which is mostly 49. Active Directory puts a sub-code into its message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from e2xhub.authenticators.ldap.refusals import (
    AccountLocked,
    DirectoryMisconfigured,
    DirectoryRefusal,
    DirectoryUnavailable,
    MustChangePassword,
    PasswordExpired,
    ServerFailed,
    WrongCredentials,
)

POLICY_CONTROL = "1.3.6.1.4.1.42.2.27.8.5.1"
POLICY_REQUEST = (POLICY_CONTROL, False, None)
"""A directory that does not know the control ignores it."""

_EXPIRED, _LOCKED, _CHANGE_AFTER_RESET = 0, 1, 2  # errors of the control

_SUCCESS, _CONSTRAINT_VIOLATION, _INVALID_CREDENTIALS, _UNWILLING = 0, 19, 49, 53
_REFERRAL = 10
_WANTS_TLS = frozenset({8, 13})  # strongerAuthRequired, confidentialityRequired
_NOT_THIS_PERSON = frozenset({16, 32, 34, 48, 49, 50})
"""noSuchAttribute, noSuchObject, invalidDNSyntax, inappropriateAuthentication, and so on: servers
differ in what they call an entry that is not there or has no password."""
SERVER_FAILS = frozenset({51, 52})  # busy, unavailable

_ACTIVE_DIRECTORY_CODE = re.compile(r"\bdata ([0-9a-fA-F]{3,4})\b")
_ACTIVE_DIRECTORY: dict[str, tuple[type[DirectoryRefusal], str]] = {
    "525": (WrongCredentials, "there is no such account"),
    "52e": (WrongCredentials, "the password is wrong"),
    "530": (AccountLocked, "the account may not sign in at this time"),
    "531": (AccountLocked, "the account may not sign in from this computer"),
    "532": (PasswordExpired, "the password has expired"),
    "533": (AccountLocked, "the account is disabled"),
    "568": (AccountLocked, "the account is in too many groups to sign in"),
    "701": (AccountLocked, "the account has expired"),
    "773": (MustChangePassword, "the password must be changed first"),
    "775": (AccountLocked, "the account is locked after wrong passwords"),
}


@dataclass(frozen=True, kw_only=True)
class PasswordPolicy:
    """What the policy's control says; None: nothing about it."""

    error: int | None = None
    seconds_left: int | None = None
    """Until the password expires."""
    grace_left: int | None = None
    """How often the expired password is still accepted."""

    @property
    def note(self) -> str:
        if self.grace_left is not None:
            return f"the password has expired and is accepted {self.grace_left} more times"
        if self.seconds_left is not None:
            return f"the password expires in {self.seconds_left} s"
        return ""


@dataclass(frozen=True, kw_only=True)
class BindAnswer:
    """A server's answer to a DN and a password."""

    code: int
    """The result code of RFC 4511, section 4.1.9; 0 is success."""
    name: str
    """That code's name."""
    message: str
    """The server's own words, for the log."""
    policy: PasswordPolicy = PasswordPolicy()

    def __str__(self) -> str:
        parts = (f"{self.name} ({self.code})", self.message, self.policy.note)
        return ": ".join(part for part in parts if part)


def find_refusal(answer: BindAnswer, who: str) -> DirectoryRefusal | None:
    """Why `answer` is none that signs `who` in; None where it is one."""
    if answer.policy.error == _LOCKED:
        return AccountLocked(f"{who}: the account is locked; {answer}")
    if answer.policy.error == _EXPIRED:
        return PasswordExpired(f"{who}: the password has expired; {answer}")
    if answer.policy.error == _CHANGE_AFTER_RESET:
        return MustChangePassword(f"{who}: the password was reset and must be changed; {answer}")
    if answer.code == _SUCCESS:
        return None
    return _refuse_by_message(answer, who) or _refuse_by_code(answer, who)


def _refuse_by_message(answer: BindAnswer, who: str) -> DirectoryRefusal | None:
    code = _ACTIVE_DIRECTORY_CODE.search(answer.message)
    if answer.code == _INVALID_CREDENTIALS and code and code[1].lower() in _ACTIVE_DIRECTORY:
        kind, meaning = _ACTIVE_DIRECTORY[code[1].lower()]
        return kind(f"{who}: {meaning}; {answer}")
    # 389 Directory Server
    if answer.code == _CONSTRAINT_VIOLATION and "retry limit" in answer.message.lower():
        return AccountLocked(f"{who}: the account is locked after wrong passwords; {answer}")
    if answer.code == _UNWILLING and "inactivated" in answer.message.lower():
        return AccountLocked(f"{who}: the account is inactivated; {answer}")
    return None


def _refuse_by_code(answer: BindAnswer, who: str) -> DirectoryRefusal:
    if answer.code in _NOT_THIS_PERSON:
        return WrongCredentials(f"{who}: the directory does not accept the password; {answer}")
    if answer.code in SERVER_FAILS:
        return ServerFailed(f"{who}: the server cannot answer now; {answer}")
    if answer.code in _WANTS_TLS:
        return DirectoryMisconfigured(
            f"{who}: the server wants encryption; {answer}; set LDAPAuthenticator.tls_strategy to "
            "'before_bind' or 'on_connect'"
        )
    if answer.code == _REFERRAL:
        return DirectoryMisconfigured(
            f"{who}: the server sends us to another one, and referrals are not followed; {answer}"
        )
    return DirectoryUnavailable(f"{who}: the server does not try the password; {answer}")


def parse_policy(value: object) -> PasswordPolicy:
    """The control's value, in BER; what cannot be read says nothing."""
    if not isinstance(value, bytes):
        return PasswordPolicy()
    try:
        return _parse_response(value)
    except (IndexError, ValueError):
        return PasswordPolicy()


def _parse_response(value: bytes) -> PasswordPolicy:
    [(tag, content)] = _elements(value)
    if tag != 0x30:
        raise ValueError("no SEQUENCE")
    found: dict[str, int] = {}
    for tag, inner in _elements(content):
        if tag == 0xA0:  # warning, a CHOICE
            for kind, number in _elements(inner):
                found["seconds_left" if kind == 0x80 else "grace_left"] = _integer(number)
        elif tag == 0x81:
            found["error"] = _integer(inner)
    return PasswordPolicy(**found)


def _elements(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element with a short length; longer ones occur in none of these."""
    place = 0
    while place < len(text):
        tag, length = text[place], text[place + 1]
        end = place + 2 + length
        if length > 127 or end > len(text):
            raise ValueError("a length that is none")
        yield tag, text[place + 2 : end]
        place = end


def _integer(text: bytes) -> int:
    return int.from_bytes(text, "big", signed=True)
