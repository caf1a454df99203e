"""What may be a name, a label and an annotation in Kubernetes.

Each ``check_`` function returns None, or the sentence with which Kubernetes refuses the text. The
rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/. Which field must be
which is left to the validation modules.
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_ENVIRONMENT_NAME = re.compile(r"[^=\x00-\x1f\x7f-\U0010ffff]+")
_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def check_label_name(text: str) -> str | None:
    """Check an RFC 1123 label: names of namespaces, containers and volumes."""
    if len(text) > 63:
        return "must be no more than 63 characters"
    if not _LABEL.fullmatch(text):
        return (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
            "'-', and must start and end with an alphanumeric character"
        )
    return None


def check_label_1035_name(text: str) -> str | None:
    """Check an RFC 1035 label: names of services."""
    if len(text) > 63:
        return "must be no more than 63 characters"
    if not _LABEL_1035.fullmatch(text):
        return (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start "
            "with an alphabetic character, and end with an alphanumeric character"
        )
    return None


def check_subdomain_name(text: str) -> str | None:
    """Check an RFC 1123 subdomain: names of most objects."""
    if len(text) > 253:
        return "must be no more than 253 characters"
    if not _SUBDOMAIN.fullmatch(text):
        return (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
            "'-' or '.', and must start and end with an alphanumeric character"
        )
    return None


def check_path_segment_name(text: str) -> str | None:
    """Check a name that only has to fit into a path: names of roles, such as ``system:node``."""
    if text in (".", ".."):
        return f"may not be '{text}'"
    for part in ("/", "%"):
        if part in text:
            return f"may not contain '{part}'"
    return None


def check_qualified_name(text: str) -> str | None:
    """Check a key of labels and annotations: a name, with a DNS prefix if any."""
    prefix, slash, name = text.rpartition("/")
    if slash and (problem := check_subdomain_name(prefix)):
        return f"prefix part {problem}"
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    if not _NAME_PART.fullmatch(name):
        return (
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start "
            "and end with an alphanumeric character"
        )
    return None


def check_label_value(text: str) -> str | None:
    """Check the value of a label; it may be empty."""
    if len(text) > 63:
        return "must be no more than 63 characters"
    if text and not _NAME_PART.fullmatch(text):
        return (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' "
            "or '.', and must start and end with an alphanumeric character"
        )
    return None


def check_key_name(text: str) -> str | None:
    """Check a key of a ConfigMap or Secret: it becomes a file name."""
    if len(text) > 253:
        return "must be no more than 253 characters"
    if not _KEY.fullmatch(text):
        return "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    if text in (".", "..") or text.startswith(".."):
        return "must not be '.' or start with '..'"
    return None


def check_environment_name(text: str) -> str | None:
    """Check the name of an environment variable: printable ASCII without ``=``."""
    if not _ENVIRONMENT_NAME.fullmatch(text):
        return (
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        )
    return None


def check_port_name(text: str) -> str | None:
    """Check the name of a port: an IANA service name."""
    if len(text) > 15:
        return "must be no more than 15 characters"
    if not _PORT_NAME.fullmatch(text) or "--" in text or not re.search("[a-z]", text):
        return (
            "must consist of lower case letters, digits and single hyphens, contain at least one "
            "letter, and must start and end with a letter or digit"
        )
    return None
