"""A small fleet, in a world of its own; ``tests/fleet/run`` is the large one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fleet.ledger import Ledger, peak_rate
from fleet.orders import Given, Left, Taken
from fleet.store import StoredFault
from fleet.world import why_not

RUN = Path(__file__).parent / "run"
pytestmark = [pytest.mark.linux, pytest.mark.netns, pytest.mark.root]
needs_namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


def run(*options: str) -> list[dict[str, Any]]:
    words = [sys.executable, str(RUN), "--json", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr + done.stdout
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@needs_namespaces
@pytest.mark.parametrize("scenario", ["deploy", "clones"])
def test_of_a_small_fleet_nothing_is_lost_and_nothing_doubled(scenario: str) -> None:
    (result,) = run("--short", "--only", scenario)

    assert result["made"] == result["stored"] > 0
    assert (result["lost"], result["doubled"], result["failures"]) == (0, 0, [])


@needs_namespaces
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "scenario", ["deploy", "outage", "links", "clocks", "clones", "refusals"]
)
def test_of_a_large_fleet_nothing_is_lost_and_nothing_doubled(scenario: str) -> None:
    (result,) = run("--only", scenario)

    assert result["made"] == result["stored"] > 0


@needs_namespaces
def test_a_run_that_is_killed_leaves_nothing_behind() -> None:
    words = [sys.executable, str(RUN), "--short", "--only", "clones"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.readline() == "clones …\n".encode()
    inside = wait_for_processes(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stderr.close()

    deadline = time.monotonic() + 60
    while any(is_there(pid) for pid in inside):
        assert time.monotonic() < deadline, inside
        time.sleep(0.05)
    assert not Path("/run/fleet").exists()


def wait_for_processes(pid: int) -> list[int]:
    """Return the processes below one, once the store's is among them."""
    deadline = time.monotonic() + 60
    while True:
        found = list(below(pid))
        words = [Path(f"/proc/{p}/cmdline") for p in found]
        if any(b"serve" in path.read_bytes() for path in words if path.exists()):
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def below(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        return []
    children = [int(child) for child in path.read_text().split()]
    return [*children, *(found for child in children for found in below(child))]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- the ledger itself ----------------------------------------------------------------


def left(name: str, time: int, fingerprint: str, *, sure: bool = True) -> Left:
    return Left(time, "host", name, 1, fingerprint, "blackhole", sure, 100)


def fault(name: str, sequence: int) -> StoredFault:
    return StoredFault(name, sequence, "f", 0, 0)


def sent(name: str, time: int) -> tuple[Given, Taken]:
    return Given(time, "host", name), Taken(time + 1, "host", name, "sent")


def ledger(lefts: list[Left], *pairs: tuple[Given, Taken]) -> Ledger:
    given, taken = zip(*pairs, strict=True)
    return Ledger(tuple(lefts), given, taken, ())


def test_what_is_missing_and_what_is_foreign_is_told() -> None:
    made = ledger([left("a", 1, "x"), left("b", 2, "x")], sent("a", 3), sent("b", 5))

    assert made.lost([fault("a", 1)]) == {"b"}
    assert made.foreign([fault("a", 1), fault("c", 2)]) == {"c"}
    assert made.arrived_otherwise([fault("a", 2), fault("b", 1)]) == ["host"]
    assert made.arrived_otherwise([fault("a", 1), fault("b", 2)]) == []


def test_one_more_of_a_kind_before_a_new_kind_is_disorder() -> None:
    lefts = [left("a", 1, "x"), left("b", 2, "x"), left("new", 3, "y")]
    right = ledger(lefts, sent("a", 4), sent("new", 6), sent("b", 8))
    wrong = ledger(lefts, sent("a", 4), sent("b", 6), sent("new", 8))

    assert right.out_of_order() == []
    assert len(wrong.out_of_order()) == 1


def test_what_is_not_sure_before_what_is_is_disorder() -> None:
    lefts = [left("a", 1, "x", sure=False), left("b", 2, "y")]

    assert len(ledger(lefts, sent("a", 3), sent("b", 5)).out_of_order()) == 1
    assert ledger(lefts, sent("b", 3), sent("a", 5)).out_of_order() == []


def test_the_busiest_second_is_found() -> None:
    second = 1_000_000_000
    assert peak_rate([0, second // 2, second, 5 * second, 9 * second]) == 3
