"""Deadlocks: who waits for whom, by the mutexes themselves."""

from __future__ import annotations

import struct

import pytest

from coresnap.analysis.classify.rules.locks import RULES
from coresnap.analysis.classify.verdict import judge
from coresnap.model import Frame, Thread, Trust, UnwindEnd

from ..cases import case, concluded

FIRST, SECOND = 0x5000_1000, 0x5000_2000
LOCKING = ("futex_wait", "__lll_lock_wait", "___pthread_mutex_lock", "serve", "main")


def mutex(owner: int, lock: int = 2) -> bytes:
    return struct.pack("<IIIII", lock, 0, owner, 1, 0) + bytes(20)


def thread(
    tid: int,
    awaited: int,
    *,
    functions: tuple[str | None, ...] = LOCKING,
    **registers: int,
) -> Thread:
    held = {"rdi": awaited, "rsi": 0x80, "rdx": 2, "r10": 0} | registers
    frames = tuple(Frame(0x401000, Trust.CFI, function=name) for name in functions)
    return Thread(tid, tid == 1, UnwindEnd.OUTERMOST, frames=frames, registers=held)


def waiting(*threads: Thread, first: bytes, second: bytes = b"") -> dict[str, str]:
    contents = {FIRST: first, **({SECOND: second} if second else {})}
    crash = case(6, -6, None, threads=threads, contents=contents)
    return concluded(crash, *RULES)


def test_a_cycle_of_owners_is_a_deadlock() -> None:
    threads = (thread(1, FIRST), thread(2, SECOND))
    found = waiting(*threads, first=mutex(2), second=mutex(1))
    assert found == {"deadlock": "strong"}


def test_a_mutex_that_its_owner_waits_for_is_one_too() -> None:
    assert waiting(thread(1, FIRST), first=mutex(1)) == {"deadlock": "strong"}


@pytest.mark.parametrize(
    ("waits", "first"),
    [
        (thread(1, FIRST), mutex(2)),
        (thread(1, FIRST), mutex(1, lock=1)),
        (thread(1, FIRST), mutex(77)),
        (thread(1, FIRST, r10=0x7FFF_0000_0100), mutex(1)),
        (thread(1, FIRST, rsi=1), mutex(1)),
        (thread(1, FIRST, rdx=0), mutex(1)),
        (thread(1, FIRST, functions=("futex_wait", "pthread_cond_wait")), mutex(1)),
        (thread(1, 0x10), mutex(1)),
    ],
    ids=[
        "the owner works",
        "nobody waits",
        "no such thread",
        "for a time",
        "wakes",
        "another value",
        "a condition",
        "unreadable",
    ],
)
def test_everything_else_is_none(waits: Thread, first: bytes) -> None:
    assert waiting(waits, thread(2, 0x20), first=first) == {}


def test_without_names_the_system_call_is_enough_to_make_it_probable() -> None:
    nameless = (None, None, None, "main")
    waits = thread(1, FIRST, functions=nameless, rax=(1 << 64) - 512)
    assert waiting(waits, first=mutex(1)) == {"deadlock": "probable"}
    runs = thread(1, FIRST, functions=nameless, rax=0)
    assert waiting(runs, first=mutex(1)) == {}


def test_a_ring_of_three_is_told_once_with_all_of_them() -> None:
    contents = {FIRST: mutex(2), SECOND: mutex(3), 0x5000_3000: mutex(1)}
    threads = (thread(1, FIRST), thread(2, SECOND), thread(3, 0x5000_3000))
    crash = case(6, -6, None, threads=threads, contents=contents)
    (found,) = judge(crash, RULES).classifiers
    assert found.summary == "has threads that wait for each other for ever: 1, 2, 3"
    assert len(found.evidence) == 3


def test_an_abort_that_another_process_sent_hints_at_a_watchdog() -> None:
    assert concluded(case(6, 0, None), *RULES) == {"hang": "hint"}
    assert concluded(case(6, -6, None), *RULES) == {}
