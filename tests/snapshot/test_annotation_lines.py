"""Remarks of plug-ins and of ours, as text."""

from __future__ import annotations

from coresnap.model import Annotation
from coresnap.snapshot.annotation_lines import annotation_lines
from coresnap.snapshot.ink import Ink


def lines(annotation: Annotation) -> list[str]:
    return list(annotation_lines([annotation], Ink()))


def test_the_level_leads() -> None:
    assert lines(Annotation("critical", "out of slots")) == ["CRITICAL: out of slots"]


def test_a_tree_stands_below_its_heading() -> None:
    data = {"length": 3, "free": [1, {"slot": 2}], "none": {}}
    assert lines(Annotation("comment", "", "queue", data)) == [
        "note: queue",
        "    length: 3",
        "    free:",
        "      - 1",
        "      -",
        "        slot: 2",
        "    none: {}",
    ]


def test_a_deep_tree_and_a_long_list_are_cut() -> None:
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"in": deep}
    assert len(lines(Annotation("comment", "deep", data=deep))) < 20
    long = Annotation("comment", "long", data={"all": list(range(5000))})
    assert lines(long)[-1] == "      … 4900 more"
