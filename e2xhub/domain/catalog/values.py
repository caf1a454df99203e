"""The kinds of single values in a catalog, each with its own check and its own words.

An alias such as `Memory` is what a field of `domain.catalog` is declared with.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from e2xhub.domain.path_templates import check_path_template, check_unambiguous

_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|K|M|G|T)?")
# As in kubespawner and jupyterhub (ByteSpecification): K, M, G and T are powers of 1024.
_MEMORY_FACTOR = {None: 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(?:@sha256:[0-9a-f]{64})?")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The name of a volume or container in a pod is a DNS label of 63 characters;
# `kubernetes.parts` puts 4 before the name of a volume, and 9 before that of a container.
_VOLUME_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,57}[a-z0-9])?")
_CONTAINER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,52}[a-z0-9])?")
_DIRECTORY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_NAMESPACE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_RESOURCE_NAME = re.compile(
    r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
)
_GIT_URL = re.compile(r"https://[^\s/@]+/\S+")
_DIRECTORY_MODE = re.compile(r"0?[0-7]?[0-7]{3}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2})?")
_TITLE_MAX = 120
_YEARS = range(2000, 3000)  # far from the ends of Python's calendar, where arithmetic overflows

# What JupyterHub, KubeSpawner and e2xhub tell a server with: who may use it, and whom it trusts.
_RESERVED_ENVIRONMENT = ("JUPYTERHUB_", "JPY_", "E2XHUB_")
_FREE_ENVIRONMENT = frozenset({"JUPYTERHUB_SINGLEUSER_APP", "JUPYTERHUB_SINGLEUSER_EXTENSION"})
_SYSTEM_DIRECTORIES = re.compile(
    r"/(?:bin|boot|dev|etc|lib\w*|proc|root|run|sbin|sys|usr|var)/*"
    r"|/(?:dev|proc|sys)/.*|/(?:var/)?run/secrets(?:/.*)?"
)
_LEAST_MEMORY = 2**24

_Day = TypeVar("_Day", bound=date)


def parse_memory(value: object) -> int:
    """Bytes in a text such as `512M`, `1.5G` or `2Gi`; units are powers of 1024."""
    match = _MEMORY.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not an amount of memory; expected a text such as '2G'")
    number, unit = match.groups()
    return int(Decimal(number) * _MEMORY_FACTOR[unit[0] if unit else None])


def refuse_truth_values(value: object) -> object:
    """YAML reads `yes` as true, and pydantic true as 1."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    return value


def _matching(pattern: re.Pattern[str], expectation: str) -> AfterValidator:
    """A check that a text is as `pattern` says, with the words for one that is not."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"{text!r} {expectation}")
        return text

    return AfterValidator(check)


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone; expected one such as 'Europe/Berlin'"
        ) from None
    return name


def _check_network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; expected a network such as '10.1.2.0/24'") from None
    return text


def _check_absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        named = path if re.match(r"[\w{]", path) and ".." not in path else "srv/data"
        raise ValueError(
            f"{path!r} is not usable here; expected an absolute path without '..', "
            f"such as '/{named}'"
        )
    return path


def _check_relative(path: str) -> str:
    if path.startswith("/"):
        raise ValueError(
            f"{path!r} begins with '/'; "
            "expected a path inside the volume, such as 'homes/{username}'"
        )
    return path


def _check_place(path: str) -> str:
    if not path.strip("/") or path.startswith("//") or ":" in path:
        raise ValueError(
            f"{path!r} is no place for a mount; expected a directory below '/', without ':'"
        )
    if _SYSTEM_DIRECTORIES.fullmatch(path):
        raise ValueError(
            f"{path!r} belongs to the system in the image; expected a directory such as '/srv/data'"
        )
    return path


def _check_enough_memory(memory: int) -> int:
    """The unit is easily forgotten, and nothing runs in two bytes."""
    if memory < _LEAST_MEMORY:
        raise ValueError(f"{memory} bytes are too little; expected at least '16M', such as '2G'")
    return memory


def _check_not_reserved(name: str) -> str:
    if name.startswith(_RESERVED_ENVIRONMENT) and name not in _FREE_ENVIRONMENT:
        raise ValueError(
            f"{name!r} is set by the hub; expected a name that begins with none of "
            f"{', '.join(_RESERVED_ENVIRONMENT)}"
        )
    return name


def _check_url(url: str) -> str:
    if not url.startswith("/") or url.startswith("//") or "\\" in url or not url.isprintable():
        raise ValueError(f"{url!r} is no place in a server; expected one such as '/lab'")
    return url


def _check_version(image: str) -> str:
    """Without tag and digest a node takes `latest`, whatever that is on that day."""
    if ":" not in image.rpartition("/")[2]:
        raise ValueError(f"{image!r} has neither tag nor digest; expected '{image}:1.0'")
    return image


def _check_year(moment: _Day) -> _Day:
    if moment.year not in _YEARS:
        raise ValueError(
            f"the year {moment.year} cannot be meant; "
            f"expected one from {_YEARS.start} to {_YEARS.stop - 1}"
        )
    return moment


def _parse_mode(mode: object) -> object:
    """YAML reads `0755` as the number 493, and `755` as 755, which is another mode."""
    if not isinstance(mode, int) or isinstance(mode, bool):
        return mode
    if re.fullmatch(r"[1-3]?7[0-7]{2}", str(mode)):
        raise ValueError(
            f"{mode} without quotes is another number in YAML; "
            f'expected "{mode:04}", in quotes and with four digits'
        )
    return f"{mode:04o}"


def _check_mode(mode: str) -> str:
    """Its owner can work in it, and nobody else may write without being in the group."""
    if not _DIRECTORY_MODE.fullmatch(mode):
        raise ValueError(f"{mode!r} is no mode of a directory; expected one such as '0755'")
    bits = int(mode, 8)
    reasons = (
        (bits & 0o700 != 0o700, "keeps its owner from reading it or writing to it"),
        (bits & 0o002, "lets everybody write to it"),
        (bits & 0o4000, "lets programs run as somebody else"),
    )
    for is_faulty, reason in reasons:
        if is_faulty:
            raise ValueError(
                f"{mode!r} {reason}; expected a mode such as '0755', or '2775' where a group writes"
            )
    return mode


Memory = Annotated[
    int,
    BeforeValidator(parse_memory),
    AfterValidator(_check_enough_memory),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_MEMORY.pattern}$"}),
]
Title = Annotated[str, Field(min_length=1, max_length=_TITLE_MAX)]
AbsolutePath = Annotated[str, AfterValidator(_check_absolute)]
Cpu = Annotated[float, BeforeValidator(refuse_truth_values), Field(gt=0, allow_inf_nan=False)]
Minutes = Annotated[int, BeforeValidator(refuse_truth_values)]
Day = Annotated[date, AfterValidator(_check_year)]
Moment = Annotated[AwareDatetime, AfterValidator(_check_year)]
PathTemplate = Annotated[str, AfterValidator(check_path_template)]
VolumePathTemplate = Annotated[
    PathTemplate, AfterValidator(_check_relative), AfterValidator(check_unambiguous)
]
MountPathTemplate = Annotated[
    PathTemplate, AfterValidator(_check_absolute), AfterValidator(_check_place)
]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
ImageName = Annotated[
    str,
    _matching(
        _IMAGE, "is no image; expected one such as 'registry.example.org/scipy-notebook:1.0'"
    ),
    AfterValidator(_check_version),
]
Cidr = Annotated[str, AfterValidator(_check_network)]
EnvironmentName = Annotated[
    str,
    _matching(
        _ENVIRONMENT_NAME, "is no name of an environment variable; expected one such as 'LANG'"
    ),
    AfterValidator(_check_not_reserved),
]
ServerUrl = Annotated[str, AfterValidator(_check_url)]
VolumeName = Annotated[
    str,
    _matching(
        _VOLUME_NAME,
        "is no name of a volume; expected at most 59 of the characters a-z 0-9 - "
        "that begin and end with a letter or digit, such as 'homes'",
    ),
]
ContainerName = Annotated[
    str,
    _matching(
        _CONTAINER_NAME,
        "cannot be the name of a container; expected at most 54 of the characters a-z 0-9 - "
        "that begin and end with a letter or digit, such as 'database'",
    ),
]
MountName = Annotated[
    str,
    _matching(
        _DIRECTORY_NAME,
        "cannot be the name of a mount; expected at most 100 of the characters A-Z a-z 0-9 _ . - "
        "that begin with a letter or digit, such as 'home'",
    ),
]
DirectoryName = Annotated[
    str,
    _matching(
        _DIRECTORY_NAME,
        "cannot be the name of a directory here; expected at most 100 of the characters "
        "A-Z a-z 0-9 _ . - that begin with a letter or digit, such as 'flights_2026'",
    ),
]
DirectoryMode = Annotated[
    str,
    BeforeValidator(_parse_mode),
    AfterValidator(_check_mode),
]
Language = Annotated[
    str, _matching(_LANGUAGE, "is no language; expected one such as 'de', 'en' or 'pt_BR'")
]
ClaimName = Annotated[
    str,
    _matching(
        _OBJECT_NAME,
        "is no name of a PersistentVolumeClaim; expected one such as 'jupyter-homes'",
    ),
]
SecretName = Annotated[
    str,
    _matching(_OBJECT_NAME, "is no name of a Secret; expected one such as 'registry-login'"),
]
HostName = Annotated[
    str,
    _matching(_HOST_NAME, "is no name of a host; expected one such as 'licences.example.org'"),
    Field(max_length=253),
]
NamespaceName = Annotated[
    str, _matching(_NAMESPACE_NAME, "is no name of a namespace; expected one such as 'mirror'")
]
LabelName = Annotated[
    str,
    _matching(_LABEL_NAME, "is no name of a label; expected one such as 'hub.example.org/pool'"),
]
LabelValue = Annotated[
    str, _matching(_LABEL_VALUE, "is no value of a label; expected one such as 'gpu'")
]
ResourceName = Annotated[
    str,
    _matching(
        _RESOURCE_NAME, "is no extended resource; expected one with a domain: 'nvidia.com/gpu'"
    ),
]
ResourceCount = Annotated[int, BeforeValidator(refuse_truth_values), Field(gt=0)]
GitUrl = Annotated[
    str,
    _matching(
        _GIT_URL,
        "is no repository that everybody can read; expected one such as "
        "'https://git.example.org/ml/exercises', without a name or password in it",
    ),
]
