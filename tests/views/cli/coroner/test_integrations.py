"""``coroner integrations`` against a server that has a board in its hall."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.errors import DeliveryError
from store.telling.channels import SECRET, Board

from .bench import Coroner

EX_USAGE, EX_NOINPUT, EX_TEMPORARY = 2, 66, 75
COMMAND = "integrations"
PROJECT = "blackhole"


@pytest.fixture
def board(coroner: Coroner, tmp_path: Path) -> Board:
    """What the channel ``ops`` writes on."""
    board = Board()
    coroner.live.server.ways = board.ways()
    (tmp_path / "token").write_text(f"{SECRET}\n")
    secret = f"token=@{tmp_path}/token"
    coroner.run(COMMAND, "set", PROJECT, "ops", "kind=board", "place=hall", secret)
    return board


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it never was so"
        time.sleep(0.05)


def test_a_new_group_is_told_and_stands_in_the_log(
    coroner: Coroner, board: Board
) -> None:
    words = ("channel=ops", "event=new-group,regression")
    coroner.run(COMMAND, "rule", PROJECT, "news", *words)
    coroner.put()
    wait_until(lambda: bool(board.pinned))
    wait_until(lambda: "delivered" in coroner.run(COMMAND, "log", PROJECT))
    (one,) = coroner.json(COMMAND, "log", PROJECT)["deliveries"]
    assert (one["event"], one["state"]) == ("new-group", "delivered")
    assert board.pinned[0].group == one["group"]
    assert board.pinned[0].project == PROJECT


def test_secrets_are_shown_nowhere(coroner: Coroner, board: Board) -> None:
    coroner.run(COMMAND, "rule", PROJECT, "news", "channel=ops", "event=new-group")
    said = [
        coroner.run(COMMAND, "list", PROJECT),
        coroner.run(COMMAND, "list", PROJECT, "--json"),
        coroner.run(COMMAND, "test", PROJECT, "ops"),
    ]
    coroner.put()
    wait_until(lambda: len(board.pinned) > 1)
    group = board.pinned[-1].group
    said.append(coroner.run(COMMAND, "preview", PROJECT, group))
    said.append(coroner.run(COMMAND, "log", PROJECT))
    assert "token=(secret)" in said[0]
    assert all(SECRET not in text for text in said)
    assert all(SECRET not in line for line in coroner.live.log.lines)


def test_a_dry_run_says_what_would_be_sent_and_why_not(
    coroner: Coroner, board: Board
) -> None:
    words = ("channel=ops", "event=new-group", "count=10")
    coroner.run(COMMAND, "rule", PROJECT, "all", *words)
    coroner.run(
        COMMAND, "rule", PROJECT, "other", *words, "--filter", "application=no-such"
    )
    coroner.put()
    wait_until(lambda: bool(board.pinned))
    group, sent = board.pinned[0].group, len(board.pinned)
    shown = coroner.run(COMMAND, "preview", PROJECT, group)
    assert "rule all, board ops: would tell\n    new-group: " in shown
    assert "no fault of the group passes the rule's filter" in shown
    shown = coroner.run(COMMAND, "preview", PROJECT, group, "--event", "count")
    assert "1 faults are fewer than 10" in shown
    assert len(board.pinned) == sent


def test_a_test_that_fails_says_why(coroner: Coroner, board: Board) -> None:
    board.failures = [DeliveryError(f"{SECRET} is no token", is_final=True)]
    said = coroner.run(COMMAND, "test", PROJECT, "ops", code=EX_TEMPORARY)
    assert "(secret) is no token" in said


def test_what_failed_can_be_tried_again(coroner: Coroner, board: Board) -> None:
    board.failures = [DeliveryError("the hall is closed", is_final=True)]
    coroner.run(COMMAND, "rule", PROJECT, "news", "channel=ops", "event=new-group")
    coroner.put()
    wait_until(
        lambda: (
            "the hall is closed"
            in coroner.run(COMMAND, "log", PROJECT, "--state", "failed")
        )
    )
    (one,) = coroner.json(COMMAND, "log", PROJECT)["deliveries"]
    assert "waiting" in coroner.run(COMMAND, "retry", PROJECT, str(one["id"]))


def test_removing_a_channel_removes_its_rules(coroner: Coroner, board: Board) -> None:
    coroner.run(COMMAND, "rule", PROJECT, "news", "channel=ops", "event=new-group")
    coroner.run(COMMAND, "remove-rule", PROJECT, "news")
    coroner.run(COMMAND, "rule", PROJECT, "again", "channel=ops", "digest=mon@7")
    status = coroner.json(COMMAND, "remove", PROJECT, "ops")
    assert (status["channels"], status["rules"]) == ([], [])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", PROJECT), EX_USAGE),
        (("set", PROJECT, "x", "kind=pigeon"), EX_USAGE),
        (("set", PROJECT, "x", "kind=board", "token=@/no/such"), EX_NOINPUT),
        (("rule", PROJECT, "x", "event=new-group"), EX_USAGE),
        (("rule", PROJECT, "x", "channel=ops", "event=update"), EX_USAGE),
        (("rule", PROJECT, "x", "channel=ops", "rate=5/1s"), EX_USAGE),
        (("rule", PROJECT, "x", "channel=ops", "digest=sometimes"), EX_USAGE),
        (("rule", PROJECT, "x", "channel=ops"), EX_USAGE),
        (("rule", PROJECT, "x", "channel=none", "count=5"), EX_NOINPUT),
        (("retry", PROJECT, "77"), EX_NOINPUT),
        (("remove", PROJECT, "none"), EX_NOINPUT),
        (("preview", PROJECT, "--rule", "none"), EX_NOINPUT),
        (("log", PROJECT, "--limit", "0"), EX_USAGE),
    ],
)
def test_what_makes_no_sense_is_refused(
    coroner: Coroner, board: Board, words: tuple[str, ...], code: int
) -> None:
    coroner.run(COMMAND, *words, code=code)
