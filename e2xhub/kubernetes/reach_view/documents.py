"""Kubernetes manifests in YAML files: what `kubectl get -o yaml` and `helm template` print."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.text_files import read_text
from e2xhub.storage.yaml_lines import YamlDocument, YamlFaultError, parse_yaml

STANDARD_INPUT = "-"
_NOTHING = "this is empty; expected what 'kubectl get networkpolicy -o yaml' prints"

# At the beginning of a line this is never anything else, in a text of several lines neither
# (https://yaml.org/spec/1.2.2/#914-explicit-documents).
_DOCUMENT = re.compile(r"^(?=---(?:\s|$))", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class PlacedManifest:
    """A manifest, and where it stands."""

    manifest: Mapping[str, Any]
    file: str
    line: int

    @property
    def kind(self) -> str:
        """Such as `NetworkPolicy`."""
        return str(self.manifest.get("kind", ""))

    @property
    def place(self) -> str:
        """Such as `policies.yaml:12`."""
        return f"{self.file}:{self.line}"


def load_manifests(files: Iterable[str]) -> list[PlacedManifest]:
    """Every manifest in `files`, the members of lists one by one; `-` is standard input.

    Raises FaultsFoundError with file and line of all that is not YAML or no manifest.
    """
    found: list[PlacedManifest] = []
    faults: list[Fault] = []
    for file in files:
        shown = "standard input" if file == STANDARD_INPUT else file
        before = len(found) + len(faults)
        for text in _split(_read(file)):
            try:
                found += _manifests_in(parse_yaml(text), shown)
            except YamlFaultError as error:
                faults.append(Fault(file=shown, line=error.line, message=error.message))
        if len(found) + len(faults) == before:
            faults.append(Fault(file=shown, line=0, message=_NOTHING))
    if faults:
        raise FaultsFoundError(faults)
    return found


def _read(file: str) -> str:
    if file != STANDARD_INPUT:
        return read_text(Path(file))
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        fault = Fault(file="standard input", line=0, message="this is not UTF-8")
        raise FaultsFoundError([fault]) from None


def _split(text: str) -> Iterator[str]:
    """The documents of `text`, each in the lines where it stands."""
    before = 0
    for document in _DOCUMENT.split(text):
        yield "\n" * before + document
        before += document.count("\n")


def _manifests_in(document: YamlDocument, file: str) -> Iterator[PlacedManifest]:
    if document.value is None:  # nothing but comments
        return
    yield from _flatten(document, document.value, (), file)


def _flatten(
    document: YamlDocument, value: Any, path: tuple[str, ...], file: str
) -> Iterator[PlacedManifest]:
    line = document.lines[path]
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise YamlFaultError(line, "this is no Kubernetes manifest; expected one with a 'kind'")
    if not value["kind"].endswith("List") or "items" not in value:
        _check_metadata(document, value, path)
        yield PlacedManifest(manifest=value, file=file, line=line)
        return
    items = value["items"] or []
    if not isinstance(items, list):
        place = (*path, "items")
        raise YamlFaultError(document.lines[place], "'items' is no list")
    for index, item in enumerate(items):
        named = {**_identity_of_members(value), **item} if isinstance(item, dict) else item
        yield from _flatten(document, named, (*path, "items", str(index)), file)


def _identity_of_members(listed: Mapping[str, Any]) -> dict[str, Any]:
    """What the API leaves out of the members of a `NetworkPolicyList`."""
    member = listed["kind"].removesuffix("List")
    return {"kind": member, "apiVersion": listed.get("apiVersion")} if member else {}


def _check_metadata(
    document: YamlDocument, value: Mapping[str, Any], path: tuple[str, ...]
) -> None:
    metadata = value.get("metadata") or {}
    if not isinstance(metadata, dict):
        place = (*path, "metadata")
        raise YamlFaultError(document.lines[place], "'metadata' is no mapping")
    if not isinstance(metadata.get("labels") or {}, dict):
        place = (*path, "metadata", "labels")
        raise YamlFaultError(document.lines[place], "'metadata.labels' is no mapping")
