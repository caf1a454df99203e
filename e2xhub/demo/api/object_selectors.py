"""Label selectors and field selectors of list and watch requests.

The grammar is
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors. The
``LabelSelector`` objects inside manifests are left to ``manifest_validation``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from e2xhub.demo.api.errors import bad_request
from e2xhub.demo.api.naming import check_label_value, check_qualified_name
from e2xhub.demo.api.resources import Manifest, ResourceType

Predicate = Callable[[Manifest], bool]

_SET_REQUIREMENT = re.compile(
    r"(?P<key>[^\s=!<>,()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)"
)
_EQUALITY_REQUIREMENT = re.compile(
    r"(?P<key>[^\s=!<>,()]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!<>,()]*)"
)
_EXISTS_REQUIREMENT = re.compile(r"(?P<not>!?)\s*(?P<key>[^\s=!<>,()]+)")

_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
_FIELDS = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": _EVENT_FIELDS,
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
    "services": ("spec.clusterIP", "spec.type"),
}


@dataclass(frozen=True, kw_only=True)
class Selector:
    """What a list or watch is restricted to; matches everything by default."""

    requirements: tuple[Predicate, ...] = ()

    def matches(self, manifest: Manifest) -> bool:
        """Return whether the object meets every requirement."""
        return all(requirement(manifest) for requirement in self.requirements)


def parse_selector(label_selector: str, field_selector: str, resource: ResourceType) -> Selector:
    """Return the selector of a request's ``labelSelector`` and ``fieldSelector``.

    Raises:
        ApiStatusError: 400, a selector cannot be parsed or names a field that is not selectable.
    """
    labels = [_parse_label_requirement(text) for text in _split_requirements(label_selector)]
    fields = [_parse_field_requirement(text, resource) for text in _split_fields(field_selector)]
    return Selector(requirements=(*labels, *fields))


def _split_requirements(text: str) -> list[str]:
    # commas inside the parentheses of `in (a, b)` do not separate requirements
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    return [] if parts == [""] else parts


def _parse_label_requirement(text: str) -> Predicate:
    if match := _SET_REQUIREMENT.fullmatch(text):
        values = frozenset(value.strip() for value in match["values"].split(","))
        _check_requirement(text, match["key"], values)
        return (
            _in(match["key"], values)
            if match["operator"] == "in"
            else _not_in(match["key"], values)
        )
    if match := _EQUALITY_REQUIREMENT.fullmatch(text):
        value = frozenset((match["value"],))
        _check_requirement(text, match["key"], value)
        return (
            _not_in(match["key"], value) if match["operator"] == "!=" else _in(match["key"], value)
        )
    if match := _EXISTS_REQUIREMENT.fullmatch(text):
        _check_requirement(text, match["key"], frozenset())
        return _exists(match["key"], expected=not match["not"])
    raise bad_request(f"unable to parse requirement: {text!r}")


def _check_requirement(text: str, key: str, values: frozenset[str]) -> None:
    problem = check_qualified_name(key)
    for value in sorted(values):
        problem = problem or check_label_value(value)
    if problem:
        raise bad_request(f"unable to parse requirement: {text!r}: {problem}")


def _labels(manifest: Manifest) -> Mapping[str, str]:
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return labels


def _in(key: str, values: frozenset[str]) -> Predicate:
    return lambda manifest: _labels(manifest).get(key) in values


def _not_in(key: str, values: frozenset[str]) -> Predicate:
    return lambda manifest: _labels(manifest).get(key) not in values


def _exists(key: str, *, expected: bool) -> Predicate:
    return lambda manifest: (key in _labels(manifest)) is expected


def _split_fields(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _parse_field_requirement(text: str, resource: ResourceType) -> Predicate:
    match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", text)
    if match is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, operator, expected = match.groups()
    common = ("metadata.name", "metadata.namespace") if resource.namespaced else ("metadata.name",)
    if path not in (*common, *_FIELDS.get(resource.plural, ())):
        raise bad_request(f'field label not supported: "{path}"')
    return lambda manifest: (_field_text(manifest, path) == expected) is (operator != "!=")


def _field_text(manifest: Manifest, path: str) -> str:
    """Return a selectable field as text; a field that is not set is the empty string."""
    if path == "source":
        path = "source.component"
    value: Any = manifest
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if path in ("spec.hostNetwork", "spec.unschedulable"):
        return "true" if value else "false"
    return "" if value is None else str(value)
