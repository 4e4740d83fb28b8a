"""Pictures of pages: taken, and compared with tolerance for what time changes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs
from playwright.sync_api import Browser, Page

from views.web.chromium import PHONE, Window
from views.web.faces import FACES, Face
from views.web.fleet import Fleet

__all__ = ["PICTURES", "Picture", "difference", "take"]

_SIZE = (1280, 800)
_CELLS = (32, 20)
"""A picture is compared as so many cells, across and down."""
_COMPARE = """
async ([first, second, across, down]) => {
  const cells = async (data) => {
    const picture = new Image();
    picture.src = "data:image/png;base64," + data;
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [across, down];
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, across, down);
    return context.getImageData(0, 0, across, down).data;
  };
  const [one, other] = [await cells(first), await cells(second)];
  const apart = Array.from(one, (value, at) => Math.abs(value - other[at]));
  const sum = apart.reduce((total, value) => total + value, 0);
  return sum / (across * down * 3 * 255);
}
"""


@attrs.frozen
class Picture:
    """How one page is pictured."""

    face: Face
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = _SIZE
    suffix: str = ""

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.face.name}{self.suffix}.png"


def _pictures() -> Iterator[Picture]:
    for face in FACES:
        yield Picture(face)
        if face.name in ("groups", "fault"):
            yield Picture(face, "dark", suffix="-dark")
            yield Picture(face, size=PHONE, suffix="-phone")


PICTURES = tuple(_pictures())


def take(window: Window, fleet: Fleet, picture: Picture, target: Path) -> None:
    """Write the picture as PNG."""
    secret = "" if picture.face.is_public else fleet.secret
    with window.open(
        fleet.url, secret=secret, size=picture.size, scheme=picture.scheme
    ) as page:
        page.goto(picture.face.path, wait_until="networkidle")
        page.screenshot(path=target, animations="disabled")


def difference(browser: Browser, one: bytes, other: bytes) -> float:
    """How far apart two PNG are: 0 the same, 1 black and white."""
    page: Page = browser.new_page()
    try:
        texts = [base64.b64encode(data).decode() for data in (one, other)]
        return float(page.evaluate(_COMPARE, [*texts, *_CELLS]))
    finally:
        page.close()
