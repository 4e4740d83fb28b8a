"""A flame graph: stacks as boxes, as wide as many faults have them.

Places are percentages of the width, so that texts keep their size on a phone; each box
is an SVG of its own, which cuts off what of its name does not fit. Those who do not see
it have the table that stands below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import attrs
from markupsafe import Markup

from coresnap.snapshot.escape import printable
from coresnap.snapshot.short_names import short_function
from coresnap.views.web.drawing.stack_tree import StackNode

__all__ = ["Flame", "flame"]

_ROW = 19
_GAP = 1
_COLOURS = 6
_LEAST = 0.1
"""Percent of the width: what is narrower is left out."""
_LEAST_NAMED = 1.5
_MOST = 4000
"""Boxes; the outer ones come first."""
_LABEL = 200
"""Characters of a name; no box has room for more."""


@attrs.frozen
class Flame:
    """A flame graph as it is drawn."""

    picture: Markup
    boxes: int
    left_out: int
    """Boxes that were too narrow, or too many; with what stands on them."""


@attrs.frozen
class _Box:
    node: StackNode
    left: float
    width: float
    """Both in percent."""


def flame(
    way: Sequence[StackNode], link: Callable[[StackNode], str], find: str = ""
) -> Flame:
    """Draw the last node of ``way`` as wide as the picture, its callers above it.

    ``link`` is where a click on a box leads. Boxes with ``find`` in their names, in
    any case, stand out.
    """
    root = way[-1]
    boxes = [_Box(node, 0, 100) for node in way]
    below, left_out = _below(root, _MOST - len(boxes))
    boxes += below
    rows = max(box.node.depth for box in boxes) + 1
    wanted = find.casefold()
    drawn = Markup("").join(
        _drawn(box, way[0].count, link(box.node), wanted, box.node in way[:-1])
        for box in boxes
    )
    picture = Markup(
        '<svg class="flame" width="100%" height="{}" aria-label="{}" role="group">{}'
        "</svg>"
    ).format(
        rows * _ROW,
        f"Flame graph of {root.count} faults; the table below has the same frames",
        drawn,
    )
    return Flame(picture, len(boxes), left_out)


def _below(root: StackNode, most: int) -> tuple[list[_Box], int]:
    """Return the boxes below a box that is as wide as the picture."""
    found: list[_Box] = []
    left_out = 0
    level = [_Box(root, 0, 100)]
    while level:
        inner = [box for outer in level for box in _children(outer, root.count)]
        shown = [box for box in inner if box.width >= _LEAST]
        shown = shown[: most - len(found)]
        left_out += len(inner) - len(shown)
        found += shown
        level = shown
    return found, left_out


def _children(box: _Box, total: int) -> Iterator[_Box]:
    left = box.left
    for node in box.node.largest_first():
        width = 100 * node.count / total if total else 0
        yield _Box(node, left, width)
        left += width


def _drawn(box: _Box, total: int, link: str, find: str, is_caller: bool) -> Markup:
    node = box.node
    name = printable(short_function(node.name[:_LABEL]))
    words = f"{name}: {node.count} of {total} faults, {node.count / (total or 1):.1%}"
    text: str | Markup = ""
    if box.width >= _LEAST_NAMED:
        text = Markup('<text x="4" y="{}">{}</text>').format(_ROW - 6, name)
    return Markup(
        '<a href="{}" aria-label="{}"><svg x="{:.4g}%" y="{}" width="{:.4g}%" '
        'height="{}"><title>{}</title><rect class="{}" width="100%" height="100%"/>'
        "{}</svg></a>"
    ).format(
        link,
        words,
        box.left,
        node.depth * _ROW,
        box.width,
        _ROW - _GAP,
        words,
        _class(node.name, find, is_caller),
        text,
    )


def _class(name: str, find: str, is_caller: bool) -> str:
    """Return a colour that stays with the name, whatever stands around it."""
    if find and find in name.casefold():
        return "found"
    if is_caller:
        return "caller"
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    return f"colour-{digest[0] % _COLOURS}"
