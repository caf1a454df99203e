"""Manifests in files: documents, lists, standard input's shapes, and the line of each fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.errors import FaultsFoundError
from e2xhub.kubernetes.reach_view import load_manifests


def write(directory: Path, text: str) -> str:
    file = directory / "policies.yaml"
    file.write_text(text)
    return str(file)


def faults_of(file: str) -> str:
    with pytest.raises(FaultsFoundError) as caught:
        load_manifests([file])
    return str(caught.value)


def test_documents_and_members_of_lists_are_found_with_their_lines(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "# Source: chart\nkind: Secret\n---\n# nothing\n--- # a list\nkind: List\nitems:\n"
        "- kind: NetworkPolicy\n  metadata: {name: a}\n- kind: List\n  items: [{kind: Pod}]\n"
        "---\nkind: List\nitems: []\n",
    )
    found = load_manifests([file])
    assert [(it.kind, it.line) for it in found] == [
        ("Secret", 2),
        ("NetworkPolicy", 8),
        ("Pod", 11),
    ]
    assert found[1].place == f"{file}:8"
    assert found[1].manifest["metadata"] == {"name": "a"}


def test_members_of_a_typed_list_have_its_kind_and_version(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "kind: NetworkPolicyList\napiVersion: networking.k8s.io/v1\n"
        "items: [{metadata: {name: a}}]\n",
    )
    (found,) = load_manifests([file])
    assert found.manifest == {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": "a"},
    }


def test_json_is_read_as_well(tmp_path: Path) -> None:
    file = write(tmp_path, '{"kind": "List", "items": [\n {"kind": "NetworkPolicy"}]}')
    assert [(it.kind, it.line) for it in load_manifests([file])] == [("NetworkPolicy", 2)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "kind: A\n---\nkind: B\nmetadata:\n  labels: [x]\n",
            ":5: 'metadata.labels' is no mapping",
        ),
        ("kind: A\nmetadata: x\n", ":2: 'metadata' is no mapping"),
        ("kind: List\nitems: 3\n", ":2: 'items' is no list"),
        ("---\n- kind: A\n", ":2: this is no Kubernetes manifest; expected one with a 'kind'"),
        (
            "kind: List\nitems:\n- {}\n",
            ":3: this is no Kubernetes manifest; expected one with a 'kind'",
        ),
        (
            "kind: A\n---\nkind: A\nkind: B\n",
            ":4: the key 'kind' stands here again, first in line 3",
        ),
        ("", ": this is empty; expected what 'kubectl get networkpolicy -o yaml' prints"),
    ],
)
def test_fault_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    file = write(tmp_path, text)
    assert faults_of(file) == f"{file}{fault}"


def test_text_that_is_no_yaml_is_told_with_its_line_in_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "kind: A\n---\nkind: B\nspec: [}\n")
    assert faults_of(file).startswith(f"{file}:4: this is not YAML: ")


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert faults_of(str(tmp_path / "none.yaml")).startswith(f"{tmp_path}/none.yaml: ")
