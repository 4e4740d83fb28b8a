"""What is concluded of every FreeBSD core of the corpus: nobody's executables are here.

The frames are those of the corpus's README, walked by frame pointers; the verdicts are
what the programs in its ``src`` do.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from conftest import Corpus
from coresnap.analysis.session import analyze
from coresnap.model import Snapshot, UnwindEnd
from freebsd_cases import FREEBSD, cases, expected

pytestmark = pytest.mark.corpus

START, ROOT = 0x2026F0, 0x202959
SEGV_NULL, INSIDE = 0x2032B1, 0x2032A7
STATIC = (0x224461, *[0x224457] * 5, 0x223B09, 0x2238A0)
NULL = {"null": "strong", "segv": "certain"}
ABORT = {"abort": "certain", "stop": "certain"}


@attrs.frozen
class Expected:
    """Frames of the crashed thread, those of the program alone where libraries are
    among them; names of verdicts with how sure they are."""

    frames: tuple[int, ...]
    verdicts: dict[str, str]
    says: str


STACK_FULL = {
    "stack-overflow": "strong",
    "recursion": "strong",
    "limit.stack": "strong",
    "segv": "certain",
}
EXPECTED = {
    "segv_null": Expected(
        (SEGV_NULL, *[INSIDE] * 5, ROOT, START), NULL, "a null pointer"
    ),
    "segv_ro": Expected(
        (0x2032C4, 0x202975, START),
        {"memory.write": "strong", "memory.protection": "certain", "segv": "certain"},
        "wrote to 0x2012e8",
    ),
    "abort": Expected((0x202A06, START), ABORT, "it aborted"),
    "assert": Expected(
        (0x202A5A, START), ABORT | {"assert": "certain"}, "global_counter == 43"
    ),
    "stackoverflow": Expected(
        (0x20350D, *[0x20351F] * 2031, 0x202A80, START),
        STACK_FULL,
        "used up its main stack of 8192 KiB",
    ),
    "fpe": Expected(
        (0x202AAF, START), {"divide": "certain", "fpe": "certain"}, "divided by zero"
    ),
    "ill": Expected(
        (0x202AD0, START),
        {"illegal-instruction": "certain", "ill": "certain"},
        "executed an instruction",
    ),
    "bus": Expected(
        (0x202B83, START),
        {"bus.eof": "strong", "bus": "certain"},
        "behind the end of the file",
    ),
    "nulljump": Expected(
        (0, 0x202BC2, START),
        {**NULL, "null.exec": "strong", "memory.exec": "strong"},
        "called a null function pointer",
    ),
    "handler": Expected(
        (SEGV_NULL, INSIDE, INSIDE, 0x202C5B, START),
        NULL | {"null.write": "strong", "memory.write": "certain", "stop": "certain"},
        "a null pointer",
    ),
    "threads": Expected(
        (SEGV_NULL, *[INSIDE] * 3, 0x2036E7), NULL, "“the-crasher” of 10"
    ),
    "threads_zst": Expected(
        (SEGV_NULL, *[INSIDE] * 3, 0x2036E7), NULL, "“the-crasher” of 10"
    ),
    "fds": Expected((SEGV_NULL, INSIDE, 0x202FD1, START), NULL, "a null pointer"),
    "dfree": Expected((0x2033B3, 0x2029AD, START), ABORT, "it aborted"),
    "uaf": Expected(
        (0x203334, 0x202991, START),
        {"use-after-free": "probable", "bus": "certain"},
        "a pointer taken from freed memory",
    ),
    "static_segv": Expected(STATIC, NULL, "a null pointer"),
    "i386": Expected(
        (0x4011CF, *[0x4011BF] * 4, 0x401218),
        {"null": "probable", "segv": "certain"},
        "a null pointer",
    ),
    "cxx": Expected(
        (0x204FEF, *[0x20505C] * 3, 0x2051E6, 0x204D40),
        ABORT | {"exception.uncaught": "probable"},
        "coresnap cxx failure #3",
    ),
    "big": Expected((SEGV_NULL, 0x2030D4, START), NULL, "a null pointer"),
    "big_gz": Expected((SEGV_NULL, 0x2030D4, START), NULL, "a null pointer"),
    "gcore.live": Expected((0x2031F9, START), {}, "was alive"),
    **{f"idx.{n}": Expected(STATIC, NULL, "a null pointer") for n in range(5)},
}


def own_frames(snapshot: Snapshot) -> tuple[int, ...]:
    """Of the program, which is linked below all libraries."""
    return tuple(f.pc for f in snapshot.threads[0].frames if f.pc < 0x1000_0000)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"])
def test_frames_and_verdicts_are_exactly_these(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    expected = EXPECTED[case["case"]]
    snapshot = analyze(FREEBSD / case["core"])

    assert len(snapshot.threads) == len(case["thread_ids"])
    assert own_frames(snapshot) == expected.frames
    frames = snapshot.threads[0].frames
    assert frames[0].pc == int(case["pc"], 16)
    assert snapshot.threads[0].end is not UnwindEnd.NO_PROGRESS
    found = {one.name: one.confidence for one in reversed(snapshot.classifiers)}
    assert found == expected.verdicts
    assert expected.says in snapshot.summary


def test_every_core_of_the_corpus_is_expected(corpus: Corpus) -> None:
    assert {case["case"] for case in cases()} == EXPECTED.keys()


@pytest.mark.parametrize("name", ["threads", "threads_zst"])
def test_all_threads_have_stacks(corpus: Corpus, name: str) -> None:
    case = expected(name)
    for thread in analyze(FREEBSD / case["core"]).threads:
        assert len(thread.frames) >= 2, thread
