"""Connections that end in time: to a name, over TCP, with TLS that knows the server.

ldap3 waits for as long as a server sends a byte now and then, and for as long as a name server
likes; here every wait has an end, and an answer a size.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from e2xhub.authenticators.ldap.refusals import CertificateRefused, ServerFailed
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress, TlsMode
from e2xhub.errors import ConfigurationError

_MOST_BYTES = 8 * 1024 * 1024  # of one connection: a person, and some hundred groups
CHECK_STRATEGY = (
    "check LDAPAuthenticator.tls_strategy ('on_connect' goes with port 636, 'before_bind' with 389)"
)
"""What to do where a server and the settings disagree on when TLS begins."""
_SHORTEST_WAIT_SECONDS = 0.001  # 0 would mean: do not wait at all

Address = tuple[Any, ...]
"""What `socket.getaddrinfo` answers for one address."""


class OutOfTimeError(TimeoutError):
    """The whole sign-in took too long, whichever server it was that took the time."""


@dataclass(kw_only=True)
class Deadline:
    """When a sign-in has to be done, and how long each wait on the way may be."""

    total_seconds: float
    began: float = field(default_factory=time.monotonic)

    def left(self, most_seconds: float) -> float:
        """Seconds for the next wait, at most `most_seconds`. Raises OutOfTimeError at the end."""
        self.check()
        return min(self._left(), most_seconds)

    def check(self) -> None:
        """Raises OutOfTimeError at the end."""
        if self._left() <= _SHORTEST_WAIT_SECONDS:
            raise OutOfTimeError(f"the sign-in took longer than {self.total_seconds:g} s in all")

    def _left(self) -> float:
        return self.began + self.total_seconds - time.monotonic()


class LimitedSocket:
    """A socket for ldap3 that waits no longer than allowed for a whole answer, and takes no more.

    `begin` starts the time of one question and its answer.
    """

    def __init__(self, inner: socket.socket, deadline: Deadline, answer_seconds: float) -> None:
        self.inner = inner
        self._deadline = deadline
        self._answer_seconds = answer_seconds
        self._answer = Deadline(total_seconds=answer_seconds)
        self._bytes_left = _MOST_BYTES

    def begin(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._answer = Deadline(total_seconds=self._answer_seconds)
        self._bytes_left = _MOST_BYTES

    def recv(self, size: int) -> bytes:
        with self._limiting():
            received = self.inner.recv(size)
        self._bytes_left -= len(received)
        if self._bytes_left < 0:
            raise OSError(f"the answer is longer than {_MOST_BYTES} bytes")
        return received

    def sendall(self, message: bytes) -> None:
        with self._limiting():
            self.inner.sendall(message)

    def shutdown(self, how: int) -> None:
        self.inner.shutdown(how)

    def close(self) -> None:
        self.inner.close()

    @contextmanager
    def _limiting(self) -> Iterator[None]:
        """A wait that ends with the answer's time, or with the sign-in's if that is over first."""
        try:
            left = self._deadline.left(self._answer.left(self._answer_seconds))
            self.inner.settimeout(max(left, _SHORTEST_WAIT_SECONDS))
            yield
        except TimeoutError:
            self._deadline.check()
            raise TimeoutError(f"no answer within {self._answer_seconds:g} s") from None


def connect(server: ServerAddress, deadline: Deadline, connect_seconds: float) -> socket.socket:
    """A TCP connection to the first address of `server` that takes one.

    Raises ServerFailed.
    """
    connecting = Deadline(total_seconds=deadline.left(connect_seconds))
    addresses = resolve(server, connecting.total_seconds)
    reason: Exception | None = None
    for place, address in enumerate(addresses):
        try:
            # An address that swallows everything leaves time for the next one.
            seconds = connecting.left(connect_seconds) / (len(addresses) - place)
            return _connect_to(address, seconds)
        except OSError as error:
            reason = error  # OutOfTimeError among them: `connecting` is over
    if isinstance(reason, TimeoutError):
        text = f"took no connection within {connect_seconds:g} s"
    else:
        text = f"takes no connection: {reason}"
    raise ServerFailed(f"{server} {text}") from reason


def _connect_to(address: Address, seconds: float) -> socket.socket:
    family, kind, protocol, _, place = address
    made = socket.socket(family, kind, protocol)
    try:
        made.settimeout(max(seconds, _SHORTEST_WAIT_SECONDS))
        made.connect(place)
        # Small questions, each waiting for its answer: nothing is gained by collecting them.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


def resolve(server: ServerAddress, seconds: float) -> list[Address]:
    """The addresses of the server's name. Raises ServerFailed.

    The system's resolver knows no time limit, so that it runs in a thread of its own, which is
    left behind where it does not return.
    """
    found: list[Address] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            faults.append(error)

    thread = threading.Thread(target=ask, name="e2xhub-ldap-resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return list(found)
    reason = faults[0] if faults else f"no answer of the name servers within {seconds:.1f} s"
    raise ServerFailed(f"{server}: the name cannot be resolved: {reason}")


def make_tls_context(settings: DirectorySettings) -> ssl.SSLContext | None:
    """How certificates are checked; None without TLS. Raises ConfigurationError."""
    if settings.tls_strategy is TlsMode.INSECURE:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"LDAPAuthenticator.ca_file {str(settings.ca_file)!r} cannot be read: {error}; "
            "expected certificates in PEM."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.verify_certificates:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def wrap(
    plain: socket.socket,
    context: ssl.SSLContext,
    server: ServerAddress,
    deadline: Deadline,
    most_seconds: float,
) -> ssl.SSLSocket:
    """`plain` with TLS. Raises CertificateRefused, ServerFailed, OutOfTimeError; then it is closed.

    `most_seconds` is for the whole handshake.
    """
    try:
        seconds = deadline.left(most_seconds)
        plain.settimeout(max(seconds, _SHORTEST_WAIT_SECONDS))
        return context.wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise CertificateRefused(_explain_certificate(server, error)) from error
    except OutOfTimeError:
        plain.close()
        raise
    except TimeoutError as error:
        plain.close()
        raise ServerFailed(
            f"{server} accepts connections, but TLS was not set up within {seconds:.1f} s"
        ) from error
    except (OSError, ValueError) as error:
        plain.close()
        raise ServerFailed(
            f"{server} does not speak TLS as expected: {error}; {CHECK_STRATEGY}"
        ) from error


def _explain_certificate(server: ServerAddress, error: ssl.SSLCertVerificationError) -> str:
    """Which check failed (X509_V_ERR_… of OpenSSL), and what to do."""
    return (
        f"{server} has a certificate that does not pass: {error.verify_message} "
        f"(X.509 error {error.verify_code}); {_REMEDIES.get(error.verify_code, _ANY_REMEDY)}"
    )


_ANY_REMEDY = "look at it with 'openssl s_client -showcerts'"
_WRONG_NAME = (
    "write the name that is in the certificate into LDAPAuthenticator.server_address, or have the "
    "certificate made for this name"
)
_UNKNOWN_AUTHORITY = (
    "set LDAPAuthenticator.ca_file to the certificate of the authority that signed it, and have "
    "the server send the ones in between"
)
_REMEDIES = {
    9: "the clocks of hub and server differ, or it is not valid yet",
    10: "have it renewed",
    18: "set LDAPAuthenticator.ca_file to this very certificate",
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
    62: _WRONG_NAME,
    64: _WRONG_NAME,
}
