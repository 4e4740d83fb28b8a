"""Counts as pictures: what is drawn, and what is said of it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from coresnap.views.web.drawing.bars import share_bar
from coresnap.views.web.drawing.sparkline import sparkline
from coresnap.views.web.drawing.trend import Trend, trend

DAY = 86400
BEGIN = 1_764_115_200  # 2025-11-26


def test_a_sparkline_has_a_bar_for_each_count_that_is_not_zero() -> None:
    drawn = ElementTree.fromstring(sparkline([0, 5, 10, 0, 1]))
    path = drawn[0].attrib["d"]

    assert re.findall(r"M(\d+) 20v-(\d+)", path) == [
        ("4", "10"),
        ("8", "20"),
        ("16", "2"),
    ]
    assert drawn.attrib["viewBox"] == "0 0 19 20"


def test_a_sparkline_shows_one_among_many() -> None:
    assert "v-1h" in sparkline([1, 100_000])


def test_a_sparkline_says_what_it_shows() -> None:
    drawn = ElementTree.fromstring(sparkline([2, 7, 3]))
    assert drawn.attrib["aria-label"] == (
        "12 in 3 days, at most 7 in one, 3 in the last"
    )


@pytest.mark.parametrize("counts", [[], [0, 0]])
def test_a_sparkline_of_nothing_is_empty(counts: list[int]) -> None:
    drawn = ElementTree.fromstring(sparkline(counts, "hour"))
    assert drawn.attrib["aria-label"] == f"none in {len(counts)} hours"
    assert drawn[0].attrib["d"] == ""


@pytest.mark.parametrize(
    ("share", "width"),
    [(0, 0), (0.25, 25), (1, 100), (1e-6, 0.5), (1.2, 100), (-1, 0)],
)
def test_a_bar_is_as_long_as_its_share(share: float, width: float) -> None:
    drawn = ElementTree.fromstring(share_bar(share))
    assert float(drawn[0].attrib["width"]) == width


def rectangles(drawn: ElementTree.Element) -> list[tuple[float, float]]:
    return [
        (float(one.attrib["y"]), float(one.attrib["height"]))
        for one in drawn.iter("rect")
        if one.attrib["class"] == "bar"
    ]


def test_a_trend_has_bars_of_their_height_on_one_ground() -> None:
    drawn = ElementTree.fromstring(trend(Trend(BEGIN, DAY, [4, 0, 2])))
    assert rectangles(drawn) == [(0, 100), (100, 0), (50, 50)]


def test_a_trend_names_each_interval_with_its_count() -> None:
    drawn = ElementTree.fromstring(trend(Trend(BEGIN, DAY, [4, 2])))
    titles = [one.text for one in drawn.iter("title")]
    assert titles == ["2025-11-26: 4", "2025-11-27: 2"]


def test_a_trend_has_its_scale_as_text() -> None:
    drawn = ElementTree.fromstring(trend(Trend(BEGIN, DAY, [1] * 29 + [1234])))
    assert drawn[0].text == "1\N{NARROW NO-BREAK SPACE}234 at most in a day"
    assert [one.text for one in drawn.iter("span")] == [
        "2025-11-26",
        "2025-12-06",
        "2025-12-15",
        "2025-12-25",
    ]


def test_a_trend_of_hours_tells_hours() -> None:
    drawn = ElementTree.fromstring(trend(Trend(BEGIN, 3600, [0] * 24)))
    assert drawn[0].text == "0 at most in an hour"
    assert [one.text for one in drawn.iter("span")][-1] == "11-26 23:00"
    assert "from 11-26 00:00 to 11-26 23:00" in drawn[1].attrib["aria-label"]


def test_a_trend_without_intervals_is_drawn() -> None:
    drawn = ElementTree.fromstring(trend(Trend(BEGIN, DAY, [])))
    assert rectangles(drawn) == []
