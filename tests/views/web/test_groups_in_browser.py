"""What people come to the list of groups and to a group for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from views.web.chromium import Window
from views.web.fleet import BUGS, PROJECT, Fleet, group_of, running_fleet

pytestmark = pytest.mark.browser

GROUPS = f"{PROJECT}/groups"


def test_somebody_logs_in_where_they_wanted_to_go(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url) as page:
        page.goto(f"{GROUPS}?filter=ledger_post")
        assert page.url.startswith(f"{fleet.url}/login")
        page.get_by_label("Token").fill(fleet.secret)
        page.locator("form", has_text="With a token").get_by_role("button").click()
        expect(page).to_have_url(f"{fleet.url}{GROUPS}?filter=ledger_post")
        expect(page.get_by_text("ledger_post").first).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        page.goto(GROUPS)
        assert page.url.startswith(f"{fleet.url}/login")


def test_a_wrong_token_opens_nothing(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url) as page:
        page.goto("/login")
        page.get_by_label("Token").fill("0" * 64)
        page.locator("form", has_text="With a token").get_by_role("button").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.goto(GROUPS)
        assert page.url.startswith(f"{fleet.url}/login")


def test_groups_are_narrowed_by_a_word_and_a_condition(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(GROUPS)
        page.keyboard.press("/")
        page.keyboard.type("parse_node")
        page.keyboard.press("Enter")
        expect(page.locator("tr[data-row]")).to_have_count(1)
        assert "filter=parse_node" in page.url
        page.get_by_title("Remove this condition").click()
        page.get_by_label("Narrow to").fill("application=billing")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tr[data-row]")).to_have_count(2)


def test_rows_are_walked_and_opened_with_keys(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{GROUPS}?filter=application%3Drouterd")
        for key in ("j", "j", "k", "Enter"):
            page.keyboard.press(key)
        page.wait_for_url(f"**{GROUPS}/*")
        assert group_of(1) in page.url


def test_a_group_tells_what_is_unusual_and_leads_to_its_faults(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{GROUPS}/{group_of(2)}")
        unusual = page.locator("#unusual")
        expect(unusual).to_contain_text("classifiers")
        expect(page.locator("#similar").get_by_text("Look for groups")).to_have_count(0)
        page.locator("#faults a[data-open]").first.click()
        page.wait_for_url(f"**{PROJECT}/faults/*")


def test_work_on_a_group_stands_in_its_history_with_who_and_why(
    tmp_path: Path, window: Window
) -> None:
    with (
        running_fleet(tmp_path / "data", BUGS[:1]) as fleet,
        window.open(fleet.url, secret=fleet.secret) as page,
    ):
        page.goto(f"{GROUPS}/{group_of(1)}")
        page.get_by_label("Why").fill("the table is copied under its lock now")
        page.get_by_role("button", name="Resolve").click()
        history = page.locator("section", has_text="History").last
        expect(page.locator(".badge.good")).to_have_text("resolved")
        expect(
            page.get_by_text("the table is copied under its lock now")
        ).to_be_visible()
        page.get_by_role("textbox", name="Comment").fill("thanks <i>all</i>\nof you")
        page.get_by_role("button", name="Write").click()
        expect(page.locator("article p.text").last).to_have_text(
            re.compile("thanks <i>all</i>\\s+of you")
        )
        page.get_by_role("button", name="To me").click()
        expect(page.locator(".who-works")).to_have_text(re.compile("admin"))
        expect(history).to_contain_text("admin")


def test_several_groups_are_changed_at_once_without_scripts(
    tmp_path: Path, window: Window
) -> None:
    with (
        running_fleet(tmp_path / "data", BUGS[2:4]) as fleet,
        window.open(fleet.url, secret=fleet.secret, scripts=False) as page,
    ):
        page.goto(GROUPS)
        for number in (1, 2):
            page.locator(f'input[name="group"][value="{group_of(number)}"]').check()
        page.get_by_text("Change the chosen groups").click()
        page.get_by_label("Tags").fill("night-shift")
        page.get_by_role("button", name="Add").click()
        expect(page.locator("a.tag", has_text="night-shift")).to_have_count(2)
