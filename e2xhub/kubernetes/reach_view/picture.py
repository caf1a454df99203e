"""How far a server reaches, as a picture: one SVG file without fonts, scripts or style sheets.

The server is in the middle, who may reach it on the left (and the hub, which it reaches as well),
what it reaches on the right. What is too wide is red, and also dashed, thick and in words, so that
it is seen on grey paper. Every text is escaped by `xml.etree`, and is printable.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from e2xhub.errors import printable
from e2xhub.kubernetes.reach_view.view import ReachRow, ReachView, Side

_WIDTH = 1000
_MARGIN = 24
_BOX = 288
_MIDDLE = 160
_MIDDLE_LEFT = (_WIDTH - _MIDDLE) // 2
_LINE = 17
_PADDING = 10
_GAP = 18
_TOP = 74
_LABEL_LINE = 14
_LETTERS_OF_BOX = 39
_LETTERS_OF_ARROW = 16
_LETTERS_OF_MIDDLE = 21
_LETTERS_OF_CAPTION = 128
_MOST_LINES = 7
_MOST_ARROW_LINES = 3

_BLACK, _RED = "#1a1a1a", "#b00020"


@dataclass(frozen=True, kw_only=True)
class _Line:
    text: str
    is_loud: bool = False


@dataclass(frozen=True, kw_only=True)
class _Arrow:
    is_to_box: bool
    label: tuple[str, ...]
    is_allowed: bool

    @property
    def height(self) -> int:
        return len(self.label) * _LABEL_LINE + 14


@dataclass(frozen=True, kw_only=True)
class _PeerBox:
    lines: tuple[_Line, ...]
    arrows: tuple[_Arrow, ...]

    @property
    def is_allowed(self) -> bool:
        return all(arrow.is_allowed for arrow in self.arrows)

    @property
    def height(self) -> int:
        text = len(self.lines) * _LINE + 2 * _PADDING
        return max(text, sum(arrow.height for arrow in self.arrows) + _PADDING)


def draw_svg(view: ReachView) -> str:
    """The picture of `view` as an SVG document."""
    left = _make_boxes(row for row in view.rows if _is_left(row))
    right = _make_boxes(row for row in view.rows if not _is_left(row))
    height = max(_height_of(left), _height_of(right), 6 * _LINE)
    caption = _caption(view)
    total = _TOP + height + _MARGIN + len(caption) * _LINE + _MARGIN
    root = _make_root(view, total)
    _draw_head(root, view)
    _draw_middle(root, view, height)
    _draw_column(root, left, _MARGIN, is_left=True)
    _draw_column(root, right, _WIDTH - _MARGIN - _BOX, is_left=False)
    _draw_lines(root, caption, _MARGIN, _TOP + height + _MARGIN + _LINE)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _is_left(row: ReachRow) -> bool:
    return row.side is Side.FROM or row.is_of_hub


def _make_boxes(rows: Iterable[ReachRow]) -> list[_PeerBox]:
    """One for each peer."""
    by_peer: dict[str, list[ReachRow]] = {}
    for row in rows:
        by_peer.setdefault(row.peer, []).append(row)
    return [_make_box(peer, found) for peer, found in by_peer.items()]


def _make_box(peer: str, rows: Sequence[ReachRow]) -> _PeerBox:
    lines = [_Line(text=text) for text in _wrap(peer, _LETTERS_OF_BOX, _MOST_LINES)]
    for name, is_allowed in dict.fromkeys((row.policy, row.is_allowed) for row in rows):
        shown = f"policy {name}" if name else "no policy selects the server"
        told = shown if is_allowed else f"TOO WIDE: {shown}"
        for text in _wrap(told, _LETTERS_OF_BOX - 2, _MOST_LINES):
            lines.append(_Line(text=text, is_loud=not is_allowed))
    return _PeerBox(lines=tuple(lines), arrows=tuple(map(_make_arrow, rows)))


def _make_arrow(row: ReachRow) -> _Arrow:
    return _Arrow(
        is_to_box=row.side is Side.TO,
        label=tuple(_wrap(row.ports, _LETTERS_OF_ARROW, _MOST_ARROW_LINES)),
        is_allowed=row.is_allowed,
    )


def _wrap(text: str, letters: int, most: int) -> list[str]:
    lines = textwrap.wrap(printable(text), letters, break_on_hyphens=False) or [""]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{lines[most - 1][: letters - 2]} …"]


def _height_of(boxes: Sequence[_PeerBox]) -> int:
    return sum(box.height for box in boxes) + _GAP * max(len(boxes) - 1, 0)


def _make_root(view: ReachView, height: int) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "width": str(_WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title description",
            "font-family": "sans-serif",
            "font-size": "13",
        },
    )
    ET.SubElement(root, "title", {"id": "title"}).text = printable(_title(view))
    ET.SubElement(root, "desc", {"id": "description"}).text = _describe(view)
    definitions = ET.SubElement(root, "defs")
    _draw_arrowhead(definitions, "allowed", _BLACK)
    _draw_arrowhead(definitions, "too-wide", _RED)
    _draw(root, "rect", width=_WIDTH, height=height, fill="white")
    return root


def _draw_arrowhead(definitions: ET.Element, name: str, colour: str) -> None:
    marker = _draw(
        definitions,
        "marker",
        id=name,
        viewBox="0 0 10 10",
        refX=9,
        refY=5,
        markerWidth=11,
        markerHeight=11,
        markerUnits="userSpaceOnUse",
        orient="auto",
    )
    _draw(marker, "path", d="M 0 0 L 10 5 L 0 10 z", fill=colour)


def _title(view: ReachView) -> str:
    return f"What the servers of {view.subject} reach, and who reaches them"


def _describe(view: ReachView) -> str:
    """All that the picture shows, in words."""
    rows = (
        f"{row.side.value} {row.peer}, ports {row.ports}, "
        f"{f'by policy {row.policy}' if row.policy else 'because no policy selects the server'}: "
        f"{'allowed' if row.is_allowed else 'too wide'}."
        for row in view.rows
    )
    return printable(" ".join([*rows, *map(_tell, view.faults)]))


def _tell(fault: object) -> str:
    return f"Fault: {fault}."


def _draw_head(root: ET.Element, view: ReachView) -> None:
    verdict = "locked" if view.is_locked else "NOT LOCKED AS IT SHOULD BE"
    text = printable(f"{_title(view)}: {verdict}")
    head = textwrap.shorten(text, _LETTERS_OF_CAPTION - 28, placeholder=" …")
    _write(root, _MARGIN, 34, head, size=17, is_loud=not view.is_locked)
    _write(root, _MARGIN, 58, "who reaches them, and the hub")
    _write(root, _WIDTH - _MARGIN, 58, "what they reach beyond it", anchor="end")


def _draw_middle(root: ET.Element, view: ReachView, height: int) -> None:
    _draw(
        root,
        "rect",
        x=_MIDDLE_LEFT,
        y=_TOP,
        width=_MIDDLE,
        height=height,
        rx=6,
        fill="#f2f2f2",
        stroke=_BLACK,
        stroke_width=2,
    )
    lines = [
        *_wrap(view.subject, _LETTERS_OF_MIDDLE, 3),
        *_wrap(f"namespace {view.namespace}", _LETTERS_OF_MIDDLE, 3),
    ]
    top = _TOP + height // 2 - (len(lines) - 1) * _LINE // 2
    for index, text in enumerate(lines):
        _write(root, _WIDTH // 2, top + index * _LINE, text, anchor="middle")


def _draw_column(root: ET.Element, boxes: Iterable[_PeerBox], x: int, *, is_left: bool) -> None:
    y = _TOP
    for box in boxes:
        _draw(
            root,
            "rect",
            x=x,
            y=y,
            width=_BOX,
            height=box.height,
            rx=6,
            fill="white",
            **_stroke(box.is_allowed),
        )
        for index, line in enumerate(box.lines):
            text_y = y + _PADDING + 12 + index * _LINE
            _write(root, x + _PADDING, text_y, line.text, is_loud=line.is_loud)
        _draw_arrows(root, box, y, is_left=is_left)
        y += box.height + _GAP


def _draw_arrows(root: ET.Element, box: _PeerBox, y: int, *, is_left: bool) -> None:
    near_box = _MARGIN + _BOX if is_left else _WIDTH - _MARGIN - _BOX
    near_middle = _MIDDLE_LEFT if is_left else _MIDDLE_LEFT + _MIDDLE
    at = y + (box.height - sum(arrow.height for arrow in box.arrows)) // 2
    for arrow in box.arrows:
        line_y = at + arrow.height - 8
        begin, end = (near_middle, near_box) if arrow.is_to_box else (near_box, near_middle)
        head = "allowed" if arrow.is_allowed else "too-wide"
        _draw(
            root,
            "line",
            x1=begin,
            y1=line_y,
            x2=end,
            y2=line_y,
            marker_end=f"url(#{head})",
            **_stroke(arrow.is_allowed),
        )
        for index, text in enumerate(arrow.label):
            text_y = at + 10 + index * _LABEL_LINE
            centre = (near_box + near_middle) // 2
            _write(root, centre, text_y, text, size=12, anchor="middle")
        at += arrow.height


def _stroke(is_allowed: bool) -> Mapping[str, object]:
    if is_allowed:
        return {"stroke": _BLACK, "stroke_width": 1.5}
    return {"stroke": _RED, "stroke_width": 3, "stroke_dasharray": "8 4"}


def _caption(view: ReachView) -> list[_Line]:
    connections = (
        (f"{'works' if it.is_open else 'CLOSED'}: {it}", not it.is_open) for it in view.connections
    )
    faults = ((f"Fault: {fault}", True) for fault in view.faults)
    notes = ((note, False) for note in view.notes)
    return [
        _Line(text=text, is_loud=is_loud)
        for told, is_loud in [*connections, *faults, *notes]
        for text in _wrap(told, _LETTERS_OF_CAPTION, _MOST_LINES)
    ]


def _draw_lines(root: ET.Element, lines: Iterable[_Line], x: int, y: int) -> None:
    for index, line in enumerate(lines):
        _write(root, x, y + index * _LINE, line.text, is_loud=line.is_loud)


def _write(
    root: ET.Element,
    x: int,
    y: int,
    text: str,
    *,
    size: int = 13,
    anchor: str = "start",
    is_loud: bool = False,
) -> None:
    loud: dict[str, object] = {"font_weight": "bold", "fill": _RED} if is_loud else {"fill": _BLACK}
    drawn = _draw(root, "text", x=x, y=y, font_size=size, text_anchor=anchor, **loud)
    drawn.text = text


def _draw(parent: ET.Element, name: str, **attributes: object) -> ET.Element:
    texts = {key: str(value) for key, value in attributes.items()}
    return ET.SubElement(parent, name, {_attribute(key): text for key, text in texts.items()})


def _attribute(name: str) -> str:
    """`stroke-width` is no name in Python."""
    return name.replace("_", "-")
