"""The hub image's Dockerfile: pinned, as the hub's user, and with files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.helm.chart import CHART, ROOT, VALUES, needs_chart, ours, parse

TEXT = (VALUES / "Dockerfile").read_text(encoding="utf-8")
CONSTRAINTS = (VALUES / "constraints.txt").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its argument, lines that go on joined."""
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in found]


def arguments_of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def test_instructions_are_those_of_docker() -> None:
    known = {"ARG", "FROM", "USER", "RUN", "WORKDIR", "COPY"}
    assert {word for word, _ in instructions()} == known
    assert [word for word, _ in instructions()][:3] == ["ARG", "ARG", "FROM"]


def test_base_is_pinned_and_comes_from_no_registry_of_ours() -> None:
    assert arguments_of("ARG") == ["HUB_IMAGE", "HUB_TAG=4.4.0"]
    assert arguments_of("FROM") == ["${HUB_IMAGE}:${HUB_TAG}"]
    hosts = set(re.findall(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:org|io|com|net)\b", TEXT))
    assert hosts == {"registry.example.org"}


@needs_chart
def test_base_is_the_one_of_the_chart_that_the_values_were_tested_with() -> None:
    rendered = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"helm.sh/chart: jupyterhub-(\S+)", rendered)) == {"4.4.0"}
    assert parse(ours("common"))["hub"]["image"]["tag"].startswith("4.4.0-")


def test_what_was_done_as_root_ends_as_the_hubs_user() -> None:
    assert arguments_of("USER") == ["root", "${NB_USER}"]
    words = [word for word, _ in instructions()]
    assert words.index("COPY") < len(words) - words[::-1].index("USER")
    assert instructions()[-1][0] == "RUN", "the image is tried out as the hub's user"


def copied() -> list[str]:
    return [
        source
        for argument in arguments_of("COPY")
        for source in argument.split()[:-1]
        if not source.startswith("--")
    ]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists(source: str) -> None:
    assert (ROOT / source).exists()


def test_no_directory_is_copied_that_could_hold_secrets_or_homes() -> None:
    assert set(copied()) == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "e2xhub",
        "jupyterhub_config.d",
        "helm-values/constraints.txt",
    }


def test_configuration_is_where_the_chart_looks_for_it() -> None:
    assert "jupyterhub_config.d /usr/local/etc/jupyterhub/" in TEXT
    assert sorted(path.name for path in (ROOT / "jupyterhub_config.d").iterdir()) == [
        "10-e2xhub.py"
    ]


def test_system_packages_are_those_that_tests_have_for_slips() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (run,) = (text for text in arguments_of("RUN") if "apt-get install" in text)
    for package in re.findall(r"(?:fonts|lib)[\w.+-]+", run.partition("&& rm")[0]):
        assert package in ci
    assert "--no-install-recommends" in run
    assert "rm -rf /var/lib/apt/lists/*" in run


def requirements(extra: str) -> list[Requirement]:
    """What an extra of e2xhub asks for. (Python 3.10 reads no TOML.)"""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    (listed,) = re.findall(rf"(?ms)^{extra} = \[(.*?)(?:^\w+ = \[|\Z)", section)
    return [Requirement(text) for text in re.findall(r'"([^"]+)"', listed)]


def extras_of_the_image() -> list[str]:
    (extras,) = re.findall(r'"\.\[([a-z,]+)\]"', TEXT)
    return list(extras.split(","))


def constraints() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_each_version_is_exact() -> None:
    assert all(re.fullmatch(r"[0-9][0-9.]*", version) for version in constraints().values())
    assert list(constraints()) == sorted(constraints())


@pytest.mark.parametrize("extra", extras_of_the_image())
def test_what_an_extra_brings_is_pinned_in_a_version_that_it_asks_for(extra: str) -> None:
    of_the_base = {"requests", "urllib3"}  # JupyterHub brings them
    asked = {item.name.lower(): item.specifier for item in requirements(extra)}
    pinned = constraints()
    assert asked
    assert asked.keys() - of_the_base <= pinned.keys()
    assert all(pinned[name] in asked[name] for name in asked.keys() & pinned.keys())


def test_no_secret_is_given_to_a_build() -> None:
    assert not re.search(r"(?i)(password|token|secret|pepper)\s*=", TEXT)
    assert not any(Path(source).suffix in (".key", ".pem") for source in copied())
