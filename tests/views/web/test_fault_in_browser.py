"""What people come to a fault's page for."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from coresnap.snapshot.container import read_snapshot
from views.web.chromium import Window
from views.web.fleet import PROJECT, SIMPLE, Fleet

pytestmark = pytest.mark.browser

FAULT = f"{PROJECT}/faults/{SIMPLE}"


def test_the_cause_is_seen_and_followed_to_its_memory(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(FAULT)
        expect(page.locator("main")).to_contain_text("use-after-free")
        page.locator("a", has_text="warning").first.click()
        expect(page.locator("#part-title")).to_have_text("Warnings")
        poop = page.locator("#frame-pane .value", has_text="poop").first
        poop.get_by_role("link", name="memory").first.click()
        expect(page.locator("#part-title")).to_have_text("Memory")
        expect(page.locator("main")).to_contain_text("41 41 41 41 41 41")


def test_a_frame_has_an_address_that_a_colleague_can_open(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(FAULT)
        page.locator("ol.frames a", has_text="main").first.click()
        expect(page.locator("ol.frames a[aria-current]")).to_contain_text("main")
        address = page.url
    with window.open(fleet.url, secret=fleet.secret, scripts=False) as page:
        page.goto(address)
        expect(page.locator("ol.frames a[aria-current]")).to_contain_text("main")


def test_frames_are_walked_with_keys(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(FAULT)
        for key in ("j", "j", "Enter"):
            page.keyboard.press(key)
        expect(page.locator("ol.frames a[aria-current]")).to_contain_text("main")


def test_the_report_is_one_file_and_the_snapshot_the_one_that_was_sent(
    fleet: Fleet, window: Window, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("downloads")
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(FAULT)
        for name in ("Report as one file", "Snapshot"):
            with page.expect_download() as download:
                page.get_by_role("link", name=name, exact=True).click()
            download.value.save_as(directory / name)
    snapshot = read_snapshot(directory / "Snapshot")
    assert [f.function for f in snapshot.threads[0].frames][:2] == ["program", "main"]
    report = (directory / "Report as one file").rename(directory / "report.html")
    with window.open("file://") as page:
        page.goto(report.as_uri())
        expect(page.locator("body")).to_contain_text("use-after-free")
