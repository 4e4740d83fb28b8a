"""Stacks as a tree, and the tree as a picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from coresnap.views.web.drawing.flame import flame
from coresnap.views.web.drawing.stack_tree import (
    StackNode,
    find_node,
    merge_stacks,
    walk,
)

STACKS = [
    (("main", "read", "parse"), 3),
    (("main", "read"), 1),
    (("main", "write"), 4),
    (("start", "read"), 2),
]


def boxes(picture: str) -> dict[str, tuple[float, float, int]]:
    """Left and width in percent and row of each box, by its words."""
    found = re.findall(
        r'aria-label="([^":]+): [^"]*"><svg x="([\d.]+)%" y="(\d+)" width="([\d.]+)%"',
        picture,
    )
    return {
        name: (float(left), float(width), int(top) // 19)
        for name, left, top, width in found
    }


def name_link(node: StackNode) -> str:
    return f"/flame?at={node.id}"


def test_equal_callers_are_one_node() -> None:
    root = merge_stacks(STACKS)

    assert root.count == 10
    main = root.children["main"]
    assert (main.count, main.own) == (8, 0)
    assert (main.children["read"].count, main.children["read"].own) == (4, 1)
    assert root.children["start"].children["read"].count == 2


def test_the_same_frame_below_other_callers_has_another_id() -> None:
    root = merge_stacks(STACKS)
    ids = [node.id for node in walk(root)]

    assert len(set(ids)) == len(ids) == 7
    assert [node.id for node in walk(merge_stacks(reversed(STACKS)))] == ids


def test_a_node_is_found_with_its_callers() -> None:
    root = merge_stacks(STACKS)
    wanted = root.children["main"].children["read"].children["parse"]

    way = find_node(root, wanted.id)

    assert [node.name for node in way] == ["all", "main", "read", "parse"]
    assert find_node(root, "0" * 16) == ()


def test_boxes_are_as_wide_as_their_counts_and_stand_below_their_callers() -> None:
    root = merge_stacks(STACKS)
    found = boxes(flame([root], name_link).picture)

    assert found["all"] == (0, 100, 0)
    assert found["main"] == (0, 80, 1)
    assert found["start"] == (80, 20, 1)
    assert found["parse"] == (0, 30, 3) or found["parse"] == (40, 30, 3)
    assert found["write"][1] == 40


def test_a_node_that_was_clicked_is_as_wide_as_the_picture() -> None:
    root = merge_stacks(STACKS)
    way = find_node(root, root.children["main"].children["read"].id)
    found = boxes(flame(way, name_link).picture)

    assert found == {
        "all": (0, 100, 0),
        "main": (0, 100, 1),
        "read": (0, 100, 2),
        "parse": (0, 75, 3),
    }


def test_what_is_narrow_is_counted_and_not_drawn() -> None:
    stacks = [(("main", "usual"), 10_000), (("main", "rare", "rarer"), 1)]
    drawn = flame([merge_stacks(stacks)], name_link)

    assert drawn.left_out == 1
    assert "rare" not in drawn.picture


def test_as_many_boxes_as_there_may_be_stay_few() -> None:
    stacks = [([f"f{n}-{depth}" for depth in range(300)], 1) for n in range(200)]
    drawn = flame([merge_stacks(stacks)], name_link)

    assert drawn.boxes == 4000
    assert drawn.left_out > 0
    assert len(drawn.picture) < 4_000_000


def test_hostile_names_are_text() -> None:
    evil = '"><script>alert(1)</script>\x1b[31m\u202e' + "x" * 100_000
    picture = flame([merge_stacks([((evil,), 1)])], name_link).picture

    assert "<script" not in picture
    assert "\x1b" not in picture
    assert "\u202e" not in picture
    assert len(picture) < 10_000
    ElementTree.fromstring(picture)


def test_frames_that_are_looked_for_stand_out() -> None:
    root = merge_stacks(STACKS)
    picture = flame([root], name_link, find="PARSE").picture

    assert picture.count('class="found"') == 1
    assert re.search(
        r'aria-label="parse:[^>]*><svg[^>]*><title>[^<]*</title>'
        r'<rect class="found"',
        picture,
    )
