"""Asking, keeping and administering with a mouse and a keyboard, in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from views.web.chromium import Window
from views.web.fleet import PROJECT, Fleet

pytestmark = pytest.mark.browser


def test_a_question_is_built_by_clicking_and_kept_for_others(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/explore")
        page.get_by_label("Attribute to group by").fill("application")
        page.get_by_role("button", name="Group", exact=True).click()
        rows = page.locator(".answer tbody tr")
        expect(rows.first).to_contain_text("routerd")
        page.locator(".answer").get_by_role("link", name="routerd", exact=True).click()
        expect(rows).to_have_count(1)
        page.get_by_label("What of it").select_option("unique")
        page.get_by_label("Attribute to show").fill("hostname")
        page.get_by_role("button", name="Show", exact=True).last.click()
        expect(page.locator(".answer thead")).to_contain_text("unique:hostname")
        asked = page.url
        page.get_by_label("Keep this view as").fill("hosts of routerd")
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("status")).to_contain_text("is kept")
        page.get_by_role("link", name="Saved").click()
        page.get_by_role("link", name="hosts of routerd", exact=True).click()
        assert page.url == asked
        page.goto(f"{PROJECT}/saved")
        page.get_by_role("button", name="Remove hosts of routerd").click()
        expect(page.get_by_text("Nothing is kept yet.")).to_be_visible()


def test_the_flame_graph_is_looked_into(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/flame")
        page.locator(".flame a", has_text="worker_run").first.click()
        expect(page.locator(".flame a", has_text="ledger_post").first).to_be_visible()
        expect(page.locator(".flame a", has_text="memcpy")).to_have_count(0)
        page.go_back()
        expect(page.locator(".flame a", has_text="memcpy").first).to_be_visible()


def test_two_versions_are_compared(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/versions?application=routerd")
        page.get_by_role("link", name="2.4.0", exact=True).click()
        page.locator("select[name=against]").select_option("2.3.0")
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", name="2.4.0 beside 2.3.0")).to_be_visible()
        expect(page.get_by_text("not in the other").first).to_be_visible()


def test_symbols_that_are_missing_lead_to_who_misses_them(
    fleet: Fleet, window: Window
) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/groups")
        page.get_by_role("link", name="Symbols").click()
        expect(page.get_by_role("heading", name="Missing")).to_be_visible()


def test_a_token_is_made_shown_once_and_revoked(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/admin/tokens")
        page.get_by_label("Name").fill("from-a-browser")
        page.get_by_label("query", exact=True).check()
        page.get_by_role("button", name="Make it").click()
        shown = page.locator(".made code")
        expect(shown).to_have_text(re.compile("[0-9a-f]{64}"))
        page.goto(f"{PROJECT}/admin/tokens")
        expect(page.locator(".made")).to_have_count(0)
        page.get_by_role("button", name="Revoke from-a-browser").click()
        expect(page.get_by_text("The token is revoked.")).to_be_visible()


def test_what_is_kept_sampled_and_scrubbed_is_set(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/admin/retention")
        page.get_by_label("Drop snapshots after").fill("90d")
        page.get_by_role("button", name="Let it hold").click()
        expect(page.get_by_text("The policy of the project")).to_be_visible()
        page.get_by_role("button", name="Take the project's policy away").click()
        page.get_by_role("link", name="Sampling").click()
        page.get_by_label("Steps").fill("2:0 4:1m")
        page.get_by_role("button", name="Let it hold").click()
        page.get_by_role("button", name="Keep every snapshot").click()
        page.get_by_role("link", name="Scrubbing").click()
        page.get_by_label("ccn").check()
        page.get_by_role("button", name="Let it hold").click()
        expect(page.get_by_label("ccn")).to_be_checked()
        page.get_by_label("ccn").uncheck()
        page.get_by_role("button", name="Let it hold").click()
        page.get_by_role("link", name="Audit log").click()
        expect(page.get_by_text("set_scrubbing").first).to_be_visible()


def test_a_channel_and_a_rule_are_set(fleet: Fleet, window: Window) -> None:
    with window.open(fleet.url, secret=fleet.secret) as page:
        page.goto(f"{PROJECT}/admin/integrations")
        page.get_by_text("Add Webhook").click()
        form = page.locator("details[open] form")
        form.get_by_label("Name of the channel").fill("ops")
        form.locator('[name="set.url"]').fill("https://hooks.example/crashes")
        form.locator('[name="set.secret"]').fill(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        )
        form.get_by_role("button", name="Add it").click()
        expect(page.get_by_role("heading", name="ops")).to_be_visible()
        page.get_by_text("Set a rule").click()
        form = page.locator("details[open] form")
        form.get_by_label("Name", exact=True).fill("weekly")
        form.get_by_label("Digest").select_option("Monday")
        form.get_by_role("button", name="Let it hold").click()
        expect(page.get_by_text("digest every Monday at 8:00 UTC")).to_be_visible()
        page.get_by_role("button", name="Remove ops").click()
        expect(page.get_by_text("Nobody is told anything yet.")).to_be_visible()
