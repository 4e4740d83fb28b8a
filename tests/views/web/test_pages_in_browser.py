"""What holds for every page, in a real Chromium."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from views.web.chromium import PHONE, Window
from views.web.faces import FACES, Face
from views.web.fleet import Fleet

pytestmark = pytest.mark.browser

EVERY_FACE = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
EVIL_FACES = pytest.mark.parametrize(
    "face", [face for face in FACES if face.hostile], ids=lambda face: face.name
)


def secret_for(face: Face, fleet: Fleet) -> str:
    return "" if face.is_public else fleet.secret


@EVERY_FACE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_out(
    face: Face, scheme: Literal["light", "dark"], fleet: Fleet, window: Window
) -> None:
    secret = secret_for(face, fleet)
    with window.open(fleet.url, secret=secret, scheme=scheme) as page:
        page.goto(face.path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@EVERY_FACE
def test_a_page_says_without_scripts_what_it_says_with_them(
    face: Face, fleet: Fleet, window: Window
) -> None:
    secret = secret_for(face, fleet)
    for scripts in (True, False):
        with window.open(fleet.url, secret=secret, scripts=scripts) as page:
            page.goto(face.path)
            assert page.get_by_text(face.shows).first.is_visible()


@EVERY_FACE
def test_a_page_fits_a_phone(face: Face, fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=secret_for(face, fleet), size=PHONE) as page:
        page.goto(face.path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0]
        assert page.get_by_text(face.shows).first.is_visible()


@EVERY_FACE
def test_a_page_is_reached_and_left_with_the_keyboard(
    face: Face, fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=secret_for(face, fleet)) as page:
        page.goto(face.path)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#main$"))  # the browser takes a moment
        page.keyboard.press("Tab")
        inside = "document.activeElement.closest('main') !== null"
        assert page.evaluate(inside)
        assert page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"
        ) not in ("none", "")


@EVIL_FACES
def test_what_a_process_chose_is_shown_and_never_obeyed(
    face: Face, fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.on("dialog", lambda dialog: pytest.fail("a script of a process ran"))
        page.goto(face.hostile)
        assert page.locator("main script, main img, main b[onmouseover]").count() == 0
        text = page.locator("main").inner_text()
        assert not any(mark in text for mark in ("\x1b", "\u202e"))
