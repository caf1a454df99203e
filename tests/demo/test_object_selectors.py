from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.object_selectors import parse_selector
from e2xhub.demo.api.resources import CONFIG_MAPS, EVENTS, NODES, PODS, Manifest

POD: Manifest = {
    "metadata": {"name": "a", "namespace": "exams", "labels": {"exam": "ml", "empty": ""}},
    "spec": {"nodeName": "node"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("labels", "matches"),
    [
        ("", True),
        ("exam=ml", True),
        (" exam = ml ", True),
        ("exam==stats", False),
        ("exam!=stats", True),
        ("room!=one", True),
        ("exam in (ml)", True),
        ("exam in ( stats , ml )", True),
        ("exam notin (ml,stats)", False),
        ("room notin (one)", True),
        ("empty=", True),
        ("empty in (,x)", True),
        ("exam,empty", True),
        ("exam,room", False),
        ("!room", True),
        ("!exam", False),
        ("e2xhub.org/exam", False),
    ],
)
def test_label_selectors(labels: str, matches: bool) -> None:
    assert parse_selector(labels, "", PODS).matches(POD) is matches


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ("metadata.name=a", True),
        ("metadata.name==a,metadata.namespace=exams", True),
        ("metadata.name!=a", False),
        ("spec.nodeName=node", True),
        ("spec.nodeName=", False),
        ("status.phase!=Failed,status.phase!=Succeeded", True),
        ("status.podIP=", True),
    ],
)
def test_field_selectors(fields: str, matches: bool) -> None:
    assert parse_selector("", fields, PODS).matches(POD) is matches


def test_a_flag_that_is_not_set_counts_as_false() -> None:
    selector = parse_selector("", "spec.unschedulable=false", NODES)
    assert selector.matches({"metadata": {"name": "node"}, "spec": {}})
    assert not selector.matches({"metadata": {"name": "node"}, "spec": {"unschedulable": True}})


def test_events_are_selected_by_their_source() -> None:
    selector = parse_selector("", "source=kubelet,reason=Started", EVENTS)
    assert selector.matches(
        {"metadata": {"name": "e"}, "reason": "Started", "source": {"component": "kubelet"}}
    )


@pytest.mark.parametrize(
    ("labels", "fields", "message"),
    [
        ("a=b=c", "", "unable to parse requirement: 'a=b=c'"),
        ("-a=b", "", "unable to parse requirement: '-a=b': name part must consist of"),
        ("a=b c", "", "unable to parse requirement: 'a=b c'"),
        ("a=b,,c=d", "", "unable to parse requirement: ''"),
        ("", "spec.nodeName=a", 'field label not supported: "spec.nodeName"'),
        ("", "metadata.name", "invalid selector: 'metadata.name'"),
    ],
)
def test_other_selectors_are_400(labels: str, fields: str, message: str) -> None:
    with pytest.raises(ApiStatusError) as caught:
        parse_selector(labels, fields, CONFIG_MAPS)
    assert caught.value.code == 400
    assert caught.value.message.startswith(message)


@given(st.text(), st.text())
def test_any_text_is_a_selector_or_refused(labels: str, fields: str) -> None:
    assert answer(labels, fields) in (True, False, 400)


def answer(labels: str, fields: str) -> bool | int:
    """Return whether the pod matches, or the HTTP code of the refusal."""
    try:
        return parse_selector(labels, fields, PODS).matches(POD)
    except ApiStatusError as error:
        return error.code
