"""Names that are parsed once and trusted afterwards.

An identifier is a safe path component and a safe Kubernetes label value. It is never split and
never glued to another one to make a third.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, ClassVar, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from e2xhub.errors import Sentence

_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
# A letter or digit of any script first, so that no name is `.`, `..` or an option.
_USERNAME = re.compile(r"[^\W_][\w.@+-]*")
_TYPED_MAX = 1000
_USERNAME_BYTES = 200  # a path component may have 255 bytes; templates add to it

_T = TypeVar("_T", bound="_ParsedStr")


class _ParsedStr(str):
    """A string that can only be made by `parse`, also inside a pydantic model."""

    __slots__ = ()
    expectation: ClassVar[str]

    @classmethod
    def parse(cls: type[_T], text: str) -> _T:
        """The identifier in `text`; raises ValueError that says what was expected."""
        raise NotImplementedError(cls)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls.parse, core_schema.str_schema(strict=True)
        )


class Identifier(_ParsedStr):
    """The id of a course, a term or an exam: 1 to 63 characters `A-Za-z0-9_.-`."""

    __slots__ = ()
    expectation = (
        "expected 1 to 63 of the characters A-Z a-z 0-9 _ . - that begin and end with a letter "
        "or digit, such as 'machine-learning' or 'WS26'"
    )

    @classmethod
    def parse(cls: type[_T], text: str) -> _T:
        """The identifier in `text`.

        The limits are those of a Kubernetes label value
        (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/), which also
        make it a safe path component.
        """
        if not _LABEL_VALUE.fullmatch(text):
            raise ValueError(f"{text!r} is not an id; {cls.expectation}")
        return cls(text)


class CourseId(Identifier):
    """The id of a course, such as `machine-learning`."""

    __slots__ = ()


class TermId(Identifier):
    """The id of a term, such as `WS26`."""

    __slots__ = ()


class ExamId(Identifier):
    """The id of an exam, such as `ml-ws26-pz1`."""

    __slots__ = ()


class Username(_ParsedStr):
    """A hub username, in the form in which JupyterHub stores it (lower case)."""

    __slots__ = ()
    expectation = (
        "expected a hub username such as 'amueller': letters, digits and . _ @ + -, "
        "beginning with a letter or digit"
    )

    @classmethod
    def parse(cls: type[_T], text: str) -> _T:
        """The username in `text`, composed (NFC) and in lower case as JupyterHub makes it."""
        if len(text) > _TYPED_MAX:  # composing takes time that grows with its square
            raise ValueError(
                f"a username of {len(text)} characters cannot be used; {cls.expectation}"
            )
        name = unicodedata.normalize("NFC", text.strip()).lower()
        if not _USERNAME.fullmatch(name) or len(name.encode()) > _USERNAME_BYTES:
            raise ValueError(
                Sentence(
                    "username {name!r} cannot be used; expected a hub username such as 'amueller': "
                    "letters, digits and . _ @ + -, beginning with a letter or digit",
                    name=text,
                )
            )
        return cls(name)
