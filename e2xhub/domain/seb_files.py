"""The file that configures Safe Exam Browser (SEB) for an exam, and the config key that it has.

Formats: https://safeexambrowser.org/developer/seb-config-key.html and seb-file-format.html. What
the catalog admits in a file is in `catalog.safe_exam_browser`.
"""

from __future__ import annotations

import hashlib
import plistlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from e2xhub.domain.catalog.safe_exam_browser import GeneratedSebFile

_STARTS_AN_EXAM = 0
_PREFERS_MODERN_WEB_VIEW = 3  # the classic one of macOS and iOS cannot show JupyterLab
_ALLOW = 1
_NOT_HASHED = "originatorVersion"


def make_seb_settings(generated: GeneratedSebFile, public_url: str) -> dict[str, Any]:
    """SEB's settings by name for an exam on the hub at `public_url`.

    `public_url` is as `safe_exam_browser.parse_public_url` gives it. What is not set here has SEB's
    default, which is the strict one.
    """
    settings: dict[str, Any] = {
        **generated.settings,
        "sebConfigPurpose": _STARTS_AN_EXAM,
        "startURL": f"{public_url}hub/login",
        "quitURL": generated.quit_url or f"{public_url}hub/logout",
        "sendBrowserExamKey": True,
        "browserWindowWebView": _PREFERS_MODERN_WEB_VIEW,
        "examKeySalt": bytes.fromhex(generated.salt),
        "browserWindowAllowReload": generated.allow_reload,
        "allowSpellCheck": generated.spell_check,
        "URLFilterEnable": True,
        "URLFilterEnableContentFilter": False,
        "URLFilterRules": _make_filter(generated, public_url),
    }
    if generated.quit_password_hash:
        settings["hashedQuitPassword"] = generated.quit_password_hash
    return settings


def _make_filter(generated: GeneratedSebFile, public_url: str) -> list[dict[str, Any]]:
    expressions = [f"{public_url}*", *generated.allowed_urls]
    if generated.quit_url:
        expressions.append(generated.quit_url)
    return [
        {"active": True, "regex": False, "action": _ALLOW, "expression": expression}
        for expression in expressions
    ]


def make_seb_file(settings: Mapping[str, Any]) -> bytes:
    """`settings` as the text of a `.seb` file: a property list in XML, not encrypted."""
    return plistlib.dumps(dict(settings), sort_keys=True)


def compute_config_key(settings: Mapping[str, Any]) -> str:
    """The config key of a file with `settings`: 64 hexadecimal digits, SHA-256 of its SEB-JSON.

    Raises TypeError where a value is of a type for which SEB-JSON is not defined.
    """
    counted = {name: value for name, value in settings.items() if name != _NOT_HASHED}
    return hashlib.sha256(_to_seb_json(counted).encode()).hexdigest()


def _to_seb_json(value: Any) -> str:
    """JSON without white space and escapes; names are sorted without regard to case."""
    if isinstance(value, Mapping):
        members = (f'"{name}":{_to_seb_json(value[name])}' for name in _counted_names(value))
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_to_seb_json, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f'"{_to_text(value)}"'


def _counted_names(mapping: Mapping[str, Any]) -> list[str]:
    """The names in `mapping` in their order, without those of empty mappings."""
    names = [name for name, item in mapping.items() if item or not isinstance(item, Mapping)]
    # Of names that differ in case only, SEB takes the one with the small letter first.
    return sorted(names, key=lambda name: (name.lower(), name.swapcase()))


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        # A property list's dates are in UTC, and plistlib reads them without a time zone.
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat(timespec="seconds")
    raise TypeError(f"SEB-JSON has no {type(value).__name__}")
