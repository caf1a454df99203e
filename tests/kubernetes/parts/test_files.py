"""Texts of the catalog travel in the pod, and stand in the server as files that nobody writes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from e2xhub.kubernetes.parts.files import make_file_traits

# https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set
ANNOTATION_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
PATHS = st.text("ab.-_ é{", min_size=1, max_size=80).map(lambda name: f"/etc/e2xhub/{name}")


def test_without_files_the_pod_is_as_it_was() -> None:
    assert make_file_traits({}) == {}


def test_file_is_an_annotation_that_the_node_shows() -> None:
    assert make_file_traits({"/etc/e2xhub/nbgrader/nbgrader_config.py": "c = {}\n"}) == {
        "extra_annotations": {"e2xhub.org/file-0-nbgrader_config.py": "c = {{}}\n"},
        "volumes": {
            "e2xhub-files": {
                "name": "e2xhub-files",
                "downwardAPI": {
                    "items": [
                        {
                            "path": "0-nbgrader_config.py",
                            "fieldRef": {
                                "fieldPath": "metadata.annotations"
                                "['e2xhub.org/file-0-nbgrader_config.py']"
                            },
                        }
                    ]
                },
            }
        },
        "volume_mounts": {
            "e2xhub-files-0-nbgrader_config.py": {
                "name": "e2xhub-files",
                "mountPath": "/etc/e2xhub/nbgrader/nbgrader_config.py",
                "subPath": "0-nbgrader_config.py",
                "readOnly": True,
            }
        },
    }


@given(st.dictionaries(PATHS, st.text(), max_size=4))
def test_any_name_is_one_for_kubernetes_and_each_file_has_its_own(files: dict[str, str]) -> None:
    traits = make_file_traits(files)
    names = list(traits.get("extra_annotations", {}))
    assert len(names) == len(files)
    for name in names:
        assert ANNOTATION_NAME.fullmatch(name.partition("/")[2])
