"""When digests are due, and what is in them."""

from __future__ import annotations

import datetime

import pytest

from coresnap.errors import MissingError, UsageError
from coresnap.model.notice import Event
from coresnap.store.api.telling import DigestTime, WantedPreview
from coresnap.store.query.filter_words import parse_filter
from coresnap.store.telling.following import queue_digests
from coresnap.store.telling.previewing import previews_of
from coresnap.store.telling.ruling import rules_of
from coresnap.store.telling.schedule import next_digest
from store.groups.world import bug
from store.telling.channels import SECRET
from store.telling.conftest import Telling

DAY = 86_400


def seconds(text: str) -> int:
    return int(datetime.datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        (DigestTime(8), "2026-11-26 07:59:59", "2026-11-26 08:00:00"),
        (DigestTime(8), "2026-11-26 08:00:00", "2026-11-27 08:00:00"),
        (DigestTime(0), "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
        (DigestTime(8, 0), "2026-11-26 12:00:00", "2026-11-30 08:00:00"),
        (DigestTime(8, 3), "2026-11-26 07:00:00", "2026-11-26 08:00:00"),
        (DigestTime(8, 3), "2026-11-26 08:00:00", "2026-12-03 08:00:00"),
    ],
)
def test_a_digest_is_due_at_the_next_such_hour(
    digest: DigestTime, now: str, due: str
) -> None:
    assert next_digest(digest, seconds(now)) == seconds(due)


def due_of(telling: Telling) -> int:
    with telling.world.state.read() as connection:
        (rule,) = rules_of(connection, telling.project)
    assert rule.due is not None
    return rule.due


def test_a_digest_has_the_groups_of_its_day_with_those_of_the_day_before(
    telling: Telling,
) -> None:
    telling.rule(digest=DigestTime(0))
    first = due_of(telling)
    telling.world.now = first - DAY // 2
    telling.world.note(0, hostname="db1")
    telling.world.now = first + 10
    for host in ("db1", "db2", "db2"):
        telling.world.note(0, hostname=host)
    telling.world.note(1)
    store = telling.store()
    now = first + DAY + 5
    assert queue_digests(store, telling.project, now) == 1
    assert queue_digests(store, telling.project, now) == 0
    assert due_of(telling) == first + 2 * DAY
    telling.world.now = now
    telling.deliver()
    (notice,) = telling.board.pinned
    assert (notice.event, notice.group) == (Event.DIGEST, "")
    assert (notice.since, notice.time) == (first, first + DAY)
    often, seldom = notice.lines
    assert (often.group, often.count, often.before, often.hosts) == (bug(0), 3, 1, 2)
    assert (seldom.group, seldom.count, seldom.is_new) == (bug(1), 1, True)
    assert not often.is_new
    assert seldom.title
    assert seldom.url.endswith(bug(1))


def test_days_without_a_server_give_one_digest(telling: Telling) -> None:
    telling.rule(digest=DigestTime(0))
    late = due_of(telling) + 9 * DAY + 5
    assert queue_digests(telling.store(), telling.project, late) == 1
    assert due_of(telling) == late - 5 + DAY


def test_a_preview_says_for_each_rule_whether_and_why_not(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP, name="a", count=2)
    telling.rule(Event.NEW_GROUP, name="b", filter=parse_filter("hostname=db9"))
    telling.rule(Event.NEW_GROUP, name="c", filter=parse_filter("no.such=1"))
    telling.rule(Event.NEW_GROUP, name="d", is_enabled=False)
    telling.rule(digest=DigestTime(3), name="e")
    telling.world.note(0, hostname="db1")
    store, ways = telling.store(), telling.board.ways()
    wanted = WantedPreview(bug(0)[:8])
    a, b, c, d, e = previews_of(store, telling.project, wanted, ways)
    assert (a.would, a.why) == (True, "")
    assert a.text.startswith("new-group: ")
    assert SECRET not in a.text
    assert "passes" in b.why
    assert "no.such" in c.why
    assert "off" in d.why
    assert "does not tell" in e.why
    wanted = WantedPreview(bug(0), Event.COUNT, "a")
    (few,) = previews_of(store, telling.project, wanted, ways)
    assert few.why == "1 faults are fewer than 2"
    (digest,) = previews_of(store, telling.project, WantedPreview(), ways)
    assert digest.would
    assert digest.text.startswith("digest: ")
    assert telling.board.pinned == []


def test_a_preview_of_what_is_not_there_is_refused(telling: Telling) -> None:
    ways = telling.board.ways()
    with pytest.raises(MissingError, match="no group"):
        previews_of(telling.store(), telling.project, WantedPreview("f" * 8), ways)
    wanted = WantedPreview(rule="none")
    with pytest.raises(MissingError, match="no rule"):
        previews_of(telling.store(), telling.project, wanted, ways)


def test_a_rule_that_tells_nothing_is_refused(telling: Telling) -> None:
    with pytest.raises(UsageError, match="tells nothing"):
        telling.rule()
    with pytest.raises(UsageError, match="update"):
        telling.rule(Event.UPDATE)
    with pytest.raises(MissingError, match="no integration"):
        telling.rule(Event.NEW_GROUP, channel="none")
