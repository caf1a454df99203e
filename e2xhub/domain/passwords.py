"""One-time passwords: how they are made, written, read and hashed.

A password is 10 random characters of Crockford's base32 (50 bits), shown as `ABCDE-FGHJK`. It is a
look-up secret of NIST SP 800-63B: stored salted, under a password hash, keyed with a pepper that
is kept outside the database. When a password may be used is decided where it is stored
(`storage.exam_records`), in the same statement that marks it as used.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # https://www.crockford.com/base32.html
LENGTH = 10
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
_TYPED_MAX = 64  # a longer text is no password; it is not worth looking at

# RFC 7914's parameters for interactive sign-in: about 50 ms and 16 MiB. The code is random and its
# hash is keyed, so a slower hash would not protect it more, but would hold up 300 people at a door.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
_SALT_BYTES = 16
_PEPPER_BYTES = 32


@dataclass(frozen=True, repr=False)
class OneTimePassword:
    """A password in its plain form; shows itself only when asked (`reveal`)."""

    code: str

    @classmethod
    def make(cls) -> OneTimePassword:
        """A new random password."""
        return cls("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

    @classmethod
    def parse(cls, typed: str) -> OneTimePassword | None:
        """What somebody typed, or None where it cannot be a password.

        Case, hyphens and spaces do not matter; O is read as 0, and I and L as 1.
        """
        if len(typed) > _TYPED_MAX:
            return None
        code = typed.upper().translate(_READ_AS)
        if len(code) != LENGTH or set(code) - set(ALPHABET):
            return None
        return cls(code)

    def reveal(self) -> str:
        """The form for a slip: `ABCDE-FGHJK`."""
        return f"{self.code[:5]}-{self.code[5:]}"

    def __repr__(self) -> str:
        return "OneTimePassword(**********)"


@dataclass(frozen=True, repr=False)
class Pepper:
    """The secret key of the hashes; kept outside the database. `key_id` tells which one it is."""

    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) < _PEPPER_BYTES:
            raise ValueError(
                f"a pepper has {len(self.key)} bytes; expected at least {_PEPPER_BYTES}"
            )

    @classmethod
    def make(cls) -> Pepper:
        """A new random pepper."""
        return cls(secrets.token_bytes(_PEPPER_BYTES))

    @classmethod
    def parse(cls, text: str) -> Pepper:
        """The pepper written by `text`; raises ValueError where it is not long enough or no hex."""
        return cls(bytes.fromhex(text.strip()))

    @property
    def text(self) -> str:
        """The form for a file: hexadecimal digits."""
        return self.key.hex()

    @property
    def key_id(self) -> str:
        """A short name of this key that tells nothing about it."""
        return self.derive("key id").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """Another key of 32 bytes, for one purpose; it tells nothing about this one."""
        return hmac.digest(self.key, f"e2xhub {purpose}".encode(), "sha256")

    def digest(self, purpose: str, *texts: str) -> str:
        """A keyed digest of `texts`: 64 hexadecimal digits that nobody else can make or undo."""
        return hmac.digest(self.derive(purpose), join_unambiguously(texts), "sha256").hex()

    def __repr__(self) -> str:
        return f"Pepper(key_id={self.key_id!r})"


@dataclass(frozen=True, repr=False)
class Peppers:
    """The pepper of new hashes, and older ones whose hashes are still accepted."""

    current: Pepper
    older: tuple[Pepper, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Peppers:
        """One pepper a line, the current one first; raises ValueError where one is none."""
        current, *older = (Pepper.parse(line) for line in text.split())
        return cls(current, tuple(older))

    def find(self, key_id: str) -> Pepper | None:
        """The pepper with this `key_id`; None where it is not here any more."""
        known = (self.current, *self.older)
        return next((pepper for pepper in known if pepper.key_id == key_id), None)

    def __repr__(self) -> str:
        return f"Peppers(current={self.current!r}, older={self.older!r})"


def make_salt() -> bytes:
    """A new random salt."""
    return secrets.token_bytes(_SALT_BYTES)


def hash_password(
    password: OneTimePassword | None,
    *,
    pepper: Pepper,
    salt: bytes,
    exam: str,
    username: str,
    generation: int,
) -> bytes:
    """scrypt(HMAC(pepper, exam, username, generation, code), salt): 32 bytes, in about 50 ms.

    The same code of another exam, user or generation has another hash. `None` (a typed text that
    is no password) costs the same time and matches nothing, because its code is empty.
    """
    code = password.code if password else ""
    message = join_unambiguously([exam, username, str(generation), code])
    keyed = hmac.digest(pepper.key, message, "sha256")
    return hashlib.scrypt(keyed, salt=salt, maxmem=64 * 2**20, **_SCRYPT)


def join_unambiguously(texts: Iterable[str]) -> bytes:
    """Bytes that no other `texts` have: each with its length before it."""
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def is_same_hash(one: bytes, other: bytes) -> bool:
    """Whether two hashes are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)
