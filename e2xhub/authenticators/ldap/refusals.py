"""Why a directory admits somebody not: a tree of exceptions.

Each carries two texts. `log_line` is for admins: the reason, with the server and the DN, on one
line and never with a secret. `sentence` is for the person: short, plain, and such that nobody
learns from it who has an account. It is also the key of its translation.
"""

from __future__ import annotations

from typing import ClassVar

from e2xhub.errors import E2xHubError, printable

_LONGEST_LINE = 2000  # a directory may answer with anything


class DirectoryRefusal(E2xHubError):  # noqa: N818 - a verdict, not a mishap
    """Nobody is signed in, for the reason in `log_line`."""

    sentence: ClassVar[str] = "You cannot sign in now. Please ask the staff."
    status: ClassVar[int] = 403
    """The HTTP status of a page that tells it."""

    def __init__(self, log_line: str) -> None:
        self.log_line = printable(log_line)[:_LONGEST_LINE]
        super().__init__(self.log_line)


class WrongCredentials(DirectoryRefusal):
    """The password is not the person's, or there is no such person: the same to who asks."""

    sentence = "The username or the password is wrong."


class EmptyPassword(WrongCredentials):
    """No password, or one that no directory can have; it was not sent (RFC 4513, 5.1.2)."""


class BadUsername(WrongCredentials):
    """Not the form of a username here; the directory was not asked.

    It never holds what was typed: people type passwords into the wrong field.
    """

    def __init__(self, *, characters: int, fault: str) -> None:
        super().__init__(
            f"what was typed as a username ({characters} characters) is none here: {fault}"
        )


class FoundTwice(DirectoryRefusal):
    """The look-up finds several people, so that nobody knows who this is."""

    sentence = "This username belongs to several people. Please ask the IT service desk."


class AccountLocked(DirectoryRefusal):
    """Locked after wrong passwords, disabled, expired, or not valid at this hour or place."""

    sentence = "This account is locked. Please ask the IT service desk."


class PasswordExpired(DirectoryRefusal):
    sentence = "Your password has expired. Please change it, then sign in here."


class MustChangePassword(DirectoryRefusal):
    """The password is right but was set by somebody else, who wants it changed first."""

    sentence = "You have to change your password before you can sign in here."


class NotInAllowedGroups(DirectoryRefusal):
    """The person is known and in none of `allowed_groups`."""

    sentence = "Your account may not use this service."


class NotInSearchFilter(NotInAllowedGroups):
    """The person is known, and does not match `search_filter`."""


class PersonGone(DirectoryRefusal):
    """Somebody who had signed in is not in the directory any more."""

    sentence = "This account does not exist any more."


class DirectoryUnavailable(DirectoryRefusal):
    """No server answered in time, or none with an answer that can be used."""

    sentence = "Signing in is not possible at the moment. Please try again in a few minutes."
    status = 503


class HubIsBusy(DirectoryUnavailable):
    """The hub had no thread for the question; whether the directory answers is not known."""


class ServerFailed(DirectoryUnavailable):
    """This one server does not do its work; another one may."""


class CertificateRefused(ServerFailed):
    """A server could not prove who it is; no password was sent to it."""


class ServiceAccountRefused(DirectoryUnavailable):
    """The directory does not accept `lookup_dn_search_user` with its password."""


class DirectoryMisconfigured(DirectoryUnavailable):
    """The directory answers that what the settings ask for does not exist or is forbidden."""
