"""The picture: well-formed whatever the cluster says, readable without colours and by machines."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.kubernetes.reach_view import (
    NeededConnection,
    ReachFault,
    ReachRow,
    ReachView,
    Side,
    draw_svg,
)

SVG = "{http://www.w3.org/2000/svg}"
HUB = ReachRow(side=Side.TO, peer="the hub", ports="8081/TCP", policy="exam/ours", is_of_hub=True)
WORLD = ReachRow(
    side=Side.TO,
    peer="every IPv4 address",
    ports="all",
    policy="exam/allow-all",
    excess=("every IPv4 address on all ports",),
)
LICENCES = ReachRow(side=Side.TO, peer="10.3.4.5", ports="27000/TCP", policy="exam/ours")
FAULT = ReachFault(policy="exam/allow-all", message="allow-all is too wide", remedy="delete it")
LOCKED = ReachView(
    subject="exam ml-pz1",
    namespace="exam",
    labels={},
    policies=("exam/ours",),
    rows=(HUB, LICENCES),
    connections=(
        NeededConnection(source="the hub", destination="the server", port="8888/TCP", is_open=True),
    ),
    faults=(),
    notes=("not read: others",),
)
OPEN = replace(LOCKED, rows=(HUB, WORLD), faults=(FAULT,))


def draw(view: ReachView) -> ET.Element:
    return ET.fromstring(draw_svg(view))


def texts_of(root: ET.Element) -> list[str]:
    return [str(text.text) for text in root.iter(f"{SVG}text")]


def position_of(root: ET.Element, text: str) -> int:
    return next(int(it.attrib["x"]) for it in root.iter(f"{SVG}text") if it.text == text)


def test_hub_is_on_the_left_and_destinations_are_on_the_right() -> None:
    root = draw(LOCKED)
    middle = position_of(root, "exam ml-pz1")
    assert position_of(root, "the hub") < middle < position_of(root, "10.3.4.5")


def test_what_is_too_wide_is_seen_without_colours() -> None:
    root = draw(OPEN)
    assert "TOO WIDE: policy exam/allow-all" in texts_of(root)
    assert "Fault: allow-all is too wide; delete it" in texts_of(root)
    dashed = [shape for shape in root.iter() if "stroke-dasharray" in shape.attrib]
    assert {shape.tag for shape in dashed} == {f"{SVG}rect", f"{SVG}line"}


def test_locked_server_has_nothing_red_but_the_unused_arrowhead() -> None:
    root = draw(LOCKED)
    assert not [shape for shape in root.iter() if shape.attrib.get("stroke") == "#b00020"]
    assert not [text for text in texts_of(root) if "TOO WIDE" in text or "Fault" in text]


def test_connection_that_is_closed_is_told() -> None:
    closed = replace(LOCKED.connections[0], is_open=False)
    root = draw(replace(LOCKED, connections=(closed,)))
    assert "CLOSED: the hub → the server, 8888/TCP" in texts_of(root)


def test_title_and_description_say_what_is_drawn() -> None:
    root = draw(OPEN)
    assert root.attrib["aria-labelledby"] == "title description"
    described = {child.attrib.get("id"): child.text for child in root}
    assert described["title"] == "What the servers of exam ml-pz1 reach, and who reaches them"
    assert described["description"] == (
        "to the hub, ports 8081/TCP, by policy exam/ours: allowed. "
        "to every IPv4 address, ports all, by policy exam/allow-all: too wide. "
        "Fault: allow-all is too wide; delete it."
    )


def test_nothing_is_fetched_and_nothing_runs() -> None:
    row = replace(WORLD, peer="<script>x</script><image href='https://example.org/'/>")
    root = draw(replace(OPEN, rows=(row,)))
    tags = {shape.tag.removeprefix(SVG) for shape in root.iter()}
    assert tags == {"svg", "title", "desc", "defs", "marker", "path", "rect", "line", "text"}
    assert not [shape for shape in root.iter() if any("href" in key for key in shape.attrib)]


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_any_text_of_a_cluster_makes_a_picture(peer: str, ports: str, policy: str) -> None:
    row = replace(WORLD, peer=peer, ports=ports, policy=policy, excess=(peer,))
    fault = replace(FAULT, message=peer, policy=policy)
    view = replace(OPEN, subject=policy, namespace=peer, rows=(row,), faults=(fault,))
    assert draw(replace(view, notes=(ports,))).tag == f"{SVG}svg"


@pytest.mark.parametrize("count", [0, 300])
def test_no_grant_and_many_grants_fit(count: int) -> None:
    rows = [replace(LICENCES, peer=f"10.3.4.{number}") for number in range(count)]
    root = draw(replace(LOCKED, rows=tuple(rows)))
    bottom = max(
        float(box.attrib["y"]) + float(box.attrib["height"])
        for box in root.findall(f"{SVG}rect")[1:]
    )
    assert bottom < float(root.attrib["height"])
