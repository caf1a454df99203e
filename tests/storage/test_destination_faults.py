"""Faults of destinations are told with file and line, each of them once."""

from __future__ import annotations

from pathlib import Path

from tests.storage.test_catalog_files import CATALOG, faults_of, write


def faults_with(directory: Path, *lines: str) -> list[str]:
    """The faults of a catalog that ends with `lines`, which begin in line 12."""
    return faults_of(write(directory, c_yaml=CATALOG + "\n".join(lines) + "\n") / "c.yaml")


def test_destination_that_is_not_declared_is_told_with_its_line(tmp_path: Path) -> None:
    faults = faults_with(
        tmp_path,
        "    reach:",
        "      licence-sever: true",
        "destinations:",
        "  licence-server: {addresses: [10.3.4.5], ports: [443]}",
    )
    assert faults == [
        "c.yaml:13: destination 'licence-sever' is not declared; expected one of: licence-server"
    ]


def test_every_fault_of_a_destination_is_told_once(tmp_path: Path) -> None:
    faults = faults_with(
        tmp_path,
        "destinations:",
        "  mirror:",
        "    addresses:",
        "    - 169.254.169.254",
        "    ports: [https]",
        "  other: {addresses: [10.3.4.5], pods: {namespace: x, labels: {a: b}}, ports: [443]}",
    )
    assert faults == [
        "c.yaml:15: destinations.mirror.addresses.0: '169.254.169.254' belongs to one host or one "
        "wire, where clouds have their metadata; expected the address of another machine",
        "c.yaml:16: destinations.mirror.ports.0: 'https' is no port; expected '443', "
        "'27000-27009' or '123/udp', from 1 to 65535",
        "c.yaml:17: destinations.other: expected either addresses or pods",
    ]
