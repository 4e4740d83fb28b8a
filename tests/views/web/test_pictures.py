"""Pages look as in the pictures that are kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from views.web.chromium import Window
from views.web.fleet import Fleet
from views.web.pictures import PICTURES, Picture, difference, take

pytestmark = pytest.mark.browser

KEPT = Path(__file__).parents[3] / "docs" / "screenshots"
TOLERATED = 0.01
"""Days pass under the trends, and fonts differ a little; a page that lost its style, or
a part of itself, is further away."""


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.file)
def test_a_page_looks_as_in_its_kept_picture(
    picture: Picture, fleet: Fleet, window: Window, tmp_path: Path
) -> None:
    taken = tmp_path / picture.file
    take(window, fleet, picture, taken)
    kept = (KEPT / picture.file).read_bytes()
    assert difference(window.browser, taken.read_bytes(), kept) < TOLERATED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("groups", "groups-dark"),
        ("groups", "group"),
        ("group", "fault"),
        ("fault", "explore"),
        ("explore", "flame"),
        ("flame", "versions"),
    ],
)
def test_pages_are_further_apart_than_what_is_tolerated(
    window: Window, one: str, other: str
) -> None:
    pictures = [(KEPT / f"{name}.png").read_bytes() for name in (one, other)]
    assert difference(window.browser, *pictures) > TOLERATED


def test_every_kept_picture_is_one_of_a_page() -> None:
    kept = {path.name for path in KEPT.glob("*.png")}
    assert kept - {"viewer.png"} == {picture.file for picture in PICTURES}
