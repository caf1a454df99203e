"""The part of the catalog that demands Safe Exam Browser (SEB) of an exam's examinees.

What a browser has to show is in `domain.safe_exam_browser`, the file for SEB in `domain.seb_files`.
No refusal of this module repeats a value: whoever knows a key can pass for SEB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from e2xhub.domain.catalog.model import CatalogModel

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_SETTING_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_ADDRESS = re.compile(r"[A-Za-z0-9.*][!#-;=?-~]*")
_QUIT_URL = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[!#-;=?-~]*)?")
_INTEGERS = range(-(2**31), 2**31)

_OWN_KEYS = {
    "quitURL": "quit_url",
    "hashedQuitPassword": "quit_password_hash",
    "browserWindowAllowReload": "allow_reload",
    "allowSpellCheck": "spell_check",
    "URLFilterRules": "allowed_urls",
    "examKeySalt": "salt",
}
"""Settings of SEB that have a key of the catalog."""
_FIXED_SETTINGS = (
    "startURL",
    "sebConfigPurpose",
    "sendBrowserExamKey",
    "browserWindowWebView",
    "URLFilterEnable",
    "URLFilterEnableContentFilter",
    "originatorVersion",
)
"""Settings of SEB without which the hub could not recognise it, or that would open the exam."""
_DECIDED = {name.lower(): name for name in (*_OWN_KEYS, *_FIXED_SETTINGS)}


def _parse_hex_key(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("this is no text; expected 64 digits 0-9 a-f, in quotes")
    if not _HEX_KEY.fullmatch(value):
        raise ValueError(
            f"this is no key ({len(value)} characters); "
            "expected 64 digits 0-9 a-f, as Safe Exam Browser and sha256sum show them"
        )
    return value.lower()


def _refuse_a_text(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("this is one text; expected a list, with each key in quotes")
    return value


def _refuse_no_mapping(value: object) -> object:
    if not isinstance(value, Mapping | CatalogModel):
        raise ValueError("this is no mapping; expected keys such as 'generated:' and 'salt:'")
    return value


def _check_address(expression: str) -> str:
    if not _ADDRESS.fullmatch(expression):
        raise ValueError(
            f"{expression!r} is no address of SEB's filter; expected a host, with a path if need "
            "be, such as 'docs.python.org/3/*'"
        )
    return expression


def _check_quit_url(url: str) -> str:
    if not _QUIT_URL.fullmatch(url):
        raise ValueError(f"{url!r} is no address; expected one such as 'https://exams.example.org'")
    return url


def _check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every SEB on every system has to compute one key from `settings`."""
    faults = [*_decided_elsewhere(settings), *_not_portable("", settings)]
    if faults:
        raise ValueError("; ".join(faults))
    return settings


def _decided_elsewhere(settings: Mapping[str, Any]) -> Iterator[str]:
    for name in settings:
        decided = _DECIDED.get(str(name).lower())
        if decided in _OWN_KEYS:
            yield f"{name!r} has a key of its own: {_OWN_KEYS[decided]!r}, beside 'settings'"
        elif decided:
            yield f"{name!r} is set by the hub, which could not recognise SEB otherwise; remove it"


def _not_portable(place: str, value: Any) -> Iterator[str]:
    """What SEB for Windows and SEB for macOS and iOS would write in two ways."""
    if isinstance(value, Mapping):
        yield from _not_portable_in_mapping(place, value)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            at = f"{place}.{index}"
            yield from [f"{at} is an empty text"] if item == "" else _not_portable(at, item)
    elif isinstance(value, str):
        if '"' in value or not value.isprintable() or value != value.strip():
            yield (
                f"{place} has a quotation mark, a character that cannot be shown, "
                "or white space around it"
            )
    elif not isinstance(value, bool) and not (isinstance(value, int) and value in _INTEGERS):
        yield f"{place} is none of true, false, a whole number, a text, a list and a mapping"


def _not_portable_in_mapping(place: str, mapping: Mapping[str, Any]) -> Iterator[str]:
    if place and not mapping:
        yield f"{place} is empty"
    spelled: dict[str, str] = {}
    for name, item in mapping.items():
        at = f"{place}.{name}" if place else name
        if not _SETTING_NAME.fullmatch(str(name)):
            yield f"{name!r} is no name of a setting; expected letters and digits"
        elif spelled.setdefault(name.lower(), name) != name:
            yield f"{at} differs from {spelled[name.lower()]!r} in case only"
        yield from _not_portable(at, item)


HexKey = Annotated[
    str,
    BeforeValidator(_parse_hex_key),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}),
]
HexKeys = Annotated[tuple[HexKey, ...], BeforeValidator(_refuse_a_text)]
FilterAddress = Annotated[str, AfterValidator(_check_address)]
QuitUrl = Annotated[str, AfterValidator(_check_quit_url)]
SebSettings = Annotated[Mapping[str, Any], AfterValidator(_check_settings)]


class GeneratedSebFile(CatalogModel):
    """The file for Safe Exam Browser that `e2xhub seb` makes. The hub computes its config key."""

    salt: HexKey = Field(repr=False)
    """64 random hexadecimal digits that go into the file, so that its key cannot be guessed:
    `openssl rand -hex 32`. Another one for each exam; keep it as secret as a password."""
    quit_url: QuitUrl | None = None
    """Opening this address ends SEB; the hub's sign-out where it is left out."""
    quit_password_hash: HexKey | None = Field(default=None, repr=False)
    """SHA-256 of the password with which a proctor ends SEB, in hexadecimal digits:
    `printf %s 'the password' | sha256sum`. Without it everybody may end SEB. Whoever has the file
    can try passwords: take a long one, and another one for each exam."""
    allow_reload: bool = True
    """Whether a page may be loaded again, which helps when a server hangs."""
    spell_check: bool = False
    """Whether SEB checks spelling while people type."""
    allowed_urls: tuple[FilterAddress, ...] = ()
    """What may be opened besides the hub: hosts, with a path if need be, such as
    `docs.python.org/3/*`."""
    settings: SebSettings = Field(default_factory=dict, repr=False)
    """Further settings of SEB by their names in its documentation, such as `{allowWlan: true}`:
    true or false, whole numbers, texts, lists and mappings. A name that SEB does not know can make
    its key another one than the hub's; try the file before the exam."""

    _is_a_mapping = model_validator(mode="before")(_refuse_no_mapping)


class SafeExamBrowser(CatalogModel):
    """Examinees use Safe Exam Browser, and their browser shows one key of each kind named here."""

    config_keys: HexKeys = Field(default=(), repr=False)
    """Config keys of files that were made with SEB's own tool, which shows them: 64 hexadecimal
    digits each. They are the same in every version of SEB."""
    browser_exam_keys: HexKeys = Field(default=(), repr=False)
    """Browser exam keys, one for each version and system of SEB that is admitted: 64 hexadecimal
    digits each, as SEB shows them. Where there are some, they are demanded besides a config key."""
    generated: GeneratedSebFile | None = None
    """The file that `e2xhub seb` makes for this exam is admitted too."""

    _is_a_mapping = model_validator(mode="before")(_refuse_no_mapping)

    @model_validator(mode="after")
    def _admits_somebody(self) -> SafeExamBrowser:
        if not (self.config_keys or self.browser_exam_keys or self.generated):
            raise ValueError(
                "no key is named, so nobody would be admitted; "
                "expected 'generated', 'config_keys' or 'browser_exam_keys'"
            )
        return self
