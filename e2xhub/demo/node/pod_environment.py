"""The environment and the command line of a container, from its manifest, as a kubelet makes them.

Local processes share one network, so `0.0.0.0` would be every pod's address at once. Where a
container's environment or command line says `0.0.0.0` (but not the network `0.0.0.0/0`) or an URL
without a host (`http://:8888/`), the container gets the pod's own address instead: JupyterHub tells
servers to listen on `http://0.0.0.0:8888/`.

Not made: variables for Services and for the API server; pods of the demo have no business there.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING
from typing import Protocol

from e2xhub.demo.api.quantities import parse_quantity
from e2xhub.demo.api.resources import Manifest

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_WILDCARD_ADDRESS = re.compile(r"(?<![\w.])0\.0\.0\.0(?![\w.])(?!/\d{1,2}(?![\w/.]))")
_URL_WITHOUT_HOST = re.compile(r"\b(https?|wss?)://(?=:\d)")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class ContainerConfigError(Exception):
    """The container cannot be made as its manifest says, until something in the cluster changes."""


class ObjectReader(Protocol):
    """Reads objects of the cluster."""

    async def get(self, plural: str, namespace: str, name: str) -> Manifest | None:
        """Return the object, or None when there is none."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; `$$` is a dollar, and a reference to an unknown name stays as it is.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """

    def substitute(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(substitute, text)


def replace_wildcard_address(text: str, address: str) -> str:
    """Let a program that would listen on every address listen on the pod's only."""
    text = _WILDCARD_ADDRESS.sub(address, text)
    return _URL_WITHOUT_HOST.sub(lambda match: match[0] + address, text)


def make_command(
    container: Manifest, default: Sequence[str], variables: Mapping[str, str], address: str
) -> list[str]:
    """Return the manifest's `command` and `args`, or the image's command when it has neither."""
    own = [*container.get("command", ()), *container.get("args", ())]
    words = [expand(word, variables) for word in own] if own else list(default)
    return [replace_wildcard_address(word, address) for word in words]


def pod_field(pod: Manifest, path: str) -> str:
    """Return what the downward API gives for a field path such as `metadata.labels['app']`.

    Raises ContainerConfigError for a field that it does not give.
    """
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    if match := _KEYED_FIELD.fullmatch(path):
        return str(metadata.get(match[1], {}).get(match[2], ""))
    fields: dict[str, Callable[[], object]] = {
        "metadata.name": lambda: metadata["name"],
        "metadata.namespace": lambda: metadata["namespace"],
        "metadata.uid": lambda: metadata["uid"],
        "metadata.labels": lambda: format_map(metadata.get("labels", {})),
        "metadata.annotations": lambda: format_map(metadata.get("annotations", {})),
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", ""),
        "status.hostIP": lambda: status.get("hostIP", ""),
        "status.hostIPs": lambda: status.get("hostIP", ""),
        "status.podIP": lambda: status.get("podIP", ""),
        "status.podIPs": lambda: status.get("podIP", ""),
    }
    if path not in fields:
        raise ContainerConfigError(f'unsupported fieldPath "{path}"')
    return str(fields[path]())


def format_map(values: Mapping[str, str]) -> str:
    """Return labels or annotations as the lines of a downward API file."""
    escape = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    return "\n".join(f'{key}="{values[key].translate(escape)}"' for key in sorted(values))


def resource_field(
    pod: Manifest, reference: Manifest, container: Manifest, allocatable: Mapping[str, str]
) -> str:
    """Return a request or a limit in units of `divisor`, rounded up.

    Where there is no limit, it is what the node has.
    """
    named = reference.get("containerName")
    if named:
        container = next(c for c in pod["spec"]["containers"] if c["name"] == named)
    section, _, resource = reference["resource"].partition(".")
    amounts = container.get("resources", {}).get(section, {})
    default = allocatable.get(resource, "0") if section == "limits" else "0"
    amount = parse_quantity(str(amounts.get(resource, default)))
    divisor = parse_quantity(str(reference.get("divisor", "0"))) or parse_quantity("1")
    return str((amount / divisor).to_integral_value(rounding=ROUND_CEILING))


async def read_entries(
    reader: ObjectReader, plural: str, namespace: str, reference: Manifest
) -> dict[str, bytes] | None:
    """Return a ConfigMap's or Secret's entries; None if it is missing and optional.

    Raises ContainerConfigError when it is missing and not optional.
    """
    name = reference.get("name") or reference.get("secretName", "")
    found = await reader.get(plural, namespace, name)
    if found is None:
        if reference.get("optional"):
            return None
        raise ContainerConfigError(f'{plural[:-1]} "{name}" not found')
    if plural == "secrets":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    texts = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    binaries = (found.get("binaryData") or {}).items()
    return texts | {key: base64.b64decode(value) for key, value in binaries}


class EnvironmentMaker:
    """Makes the variables of one pod's containers."""

    def __init__(self, pod: Manifest, reader: ObjectReader, allocatable: Mapping[str, str]) -> None:
        """`pod` has its status with the pod's address."""
        self._pod = pod
        self._namespace: str = pod["metadata"]["namespace"]
        self._reader = reader
        self._allocatable = allocatable

    async def make(self, container: Manifest) -> dict[str, str]:
        """Return the variables that the manifest gives a container; raises ContainerConfigError."""
        variables: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            variables.update(await self._whole_source(source))
        for entry in container.get("env", ()):
            value = await self._value(entry, container, variables)
            if value is not None:
                variables[entry["name"]] = value
        return variables

    async def _whole_source(self, source: Manifest) -> dict[str, str]:
        is_secret = "secretRef" in source
        reference = source["secretRef" if is_secret else "configMapRef"]
        plural = "secrets" if is_secret else "configmaps"
        entries = await read_entries(self._reader, plural, self._namespace, reference)
        prefix = source.get("prefix", "")
        return {prefix + key: value.decode() for key, value in (entries or {}).items()}

    async def _value(
        self, entry: Manifest, container: Manifest, variables: Mapping[str, str]
    ) -> str | None:
        source = entry.get("valueFrom") or {}
        if "fieldRef" in source:
            return pod_field(self._pod, source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            reference = source["resourceFieldRef"]
            return resource_field(self._pod, reference, container, self._allocatable)
        if "secretKeyRef" in source:
            return await self._key("secrets", source["secretKeyRef"])
        if "configMapKeyRef" in source:
            return await self._key("configmaps", source["configMapKeyRef"])
        return expand(entry.get("value", ""), variables)

    async def _key(self, plural: str, reference: Manifest) -> str | None:
        entries = await read_entries(self._reader, plural, self._namespace, reference)
        key = reference["key"]
        if entries is not None and key in entries:
            return entries[key].decode()
        if reference.get("optional"):
            return None
        kind = "Secret" if plural == "secrets" else "ConfigMap"
        raise ContainerConfigError(
            f"couldn't find key {key} in {kind} {self._namespace}/{reference['name']}"
        )
