"""The flame graph: where the faults of a project happen, stack by stack."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from coresnap.errors import UsageError
from coresnap.snapshot.short_names import short_function
from coresnap.store.query import limits
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result
from coresnap.store.server.call import Content
from coresnap.views.web.address import Address
from coresnap.views.web.drawing.flame import flame
from coresnap.views.web.drawing.stack_tree import (
    StackNode,
    find_node,
    merge_stacks,
    walk,
)
from coresnap.views.web.groups.narrowing import Narrowing
from coresnap.views.web.groups.period import PERIODS
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_TABLE = 50
"""Frames in the table."""


def _show(visit: Visit) -> Shown | Redirect | Content:
    here = Address.of(f"{visit.base}/flame", visit.query)
    context = {
        "here": here,
        "words": here.values("filter"),
        "periods": PERIODS,
        "chosen_age": visit.one("age"),
        "kept_fields": _kept_fields(here),
        "find": visit.one("find"),
        "is_inner": visit.one("from") == "inner",
        "error": None,
        "drawn": None,
    }
    try:
        context |= _drawn(visit, here)
    except UsageError as error:
        return Shown("flame.html", {**context, "error": error}, 400)
    return Shown("flame.html", context)


def _kept_fields(here: Address) -> list[tuple[str, str]]:
    """Return the fields that stay when the page is narrowed."""
    return [("from", value) for value in here.values("from")]


def _drawn(visit: Visit, here: Address) -> dict[str, object]:
    narrowing = Narrowing.of(visit, int(time.time()))
    query = Query(filter=narrowing.filter(), group=("callstack",), limit=limits.GROUPS)
    found: Result = visit.ask("query", body=query)
    root = merge_stacks(_stacks(found, is_inner=visit.one("from") == "inner"))
    way = find_node(root, visit.one("at")) or (root,)

    def link(node: StackNode) -> str:
        return str(here.with_("at", node.id) if node.id else here.with_("at"))

    return {
        "found": found,
        "root": root,
        "way": [(short_function(node.name), link(node)) for node in way],
        "is_lost": bool(visit.one("at")) and len(way) == 1,
        "drawn": flame(way, link, visit.one("find")) if root.count else None,
        "table": _frames(way[-1]),
    }


def _stacks(found: Result, *, is_inner: bool) -> list[tuple[Sequence[str], int]]:
    """Return the stacks from the root of the tree on; faults without one are none."""
    stacks: list[tuple[Sequence[str], int]] = []
    for group in found.groups:
        if group.key[0]:
            frames = str(group.key[0]).split("\n")
            stacks.append((frames if is_inner else frames[::-1], group.count))
    return stacks


def _frames(root: StackNode) -> list[tuple[str, int, int]]:
    """Return the frames that most faults have: name, faults, faults that end in it.

    A frame that calls itself counts once in each stack; the root is no frame.
    """
    having: Counter[str] = Counter()
    ending: Counter[str] = Counter()
    above: list[str] = []
    for node in walk(root):
        del above[node.depth - root.depth :]
        if node.name not in above and node.depth:
            having[node.name] += node.count
        ending[node.name] += node.own
        above.append(node.name if node.depth else "")
    return [
        (short_function(name), count, ending[name])
        for name, count in having.most_common(_TABLE)
    ]


PAGES = (Page(f"{SCOPE}/flame", _show),)
