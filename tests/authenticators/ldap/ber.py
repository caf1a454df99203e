"""Just enough of LDAP's encoding (RFC 4511, section 5.1) to play a server."""

from __future__ import annotations


def element(tag: int, *content: bytes) -> bytes:
    """BER of one element."""
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x84]) + len(body).to_bytes(4, "big") + body


def message(number: int, operation: bytes) -> bytes:
    return element(0x30, element(0x02, number.to_bytes(4, "big")), operation)


def result(tag: int, code: int = 0, text: bytes = b"") -> bytes:
    return element(tag, element(0x0A, bytes([code])), element(0x04), element(0x04, text))


def entry(dn: bytes, **attributes: bytes) -> bytes:
    pairs = (
        element(0x30, element(0x04, name.encode()), element(0x31, element(0x04, value)))
        for name, value in attributes.items()
    )
    return element(0x64, element(0x04, dn), element(0x30, *pairs))


def number_of(asked: bytes) -> int:
    """The message id of a question; ldap3 sends short lengths only where the question is short."""
    begin, end = _number_in(asked)
    return int.from_bytes(asked[begin:end], "big")


def operation_of(asked: bytes) -> int:
    """The tag of what is asked: the same byte may be in the message id, too."""
    return asked[_number_in(asked)[1]]


def _number_in(asked: bytes) -> tuple[int, int]:
    begin = 2 + (asked[1] & 0x7F if asked[1] & 0x80 else 0)
    return begin + 2, begin + 2 + asked[begin + 1]
