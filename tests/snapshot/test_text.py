from __future__ import annotations

import json
import re

import msgspec
import pytest

from coresnap.errors import UsageError
from coresnap.model import (
    Dropped,
    Module,
    Note,
    QualityPart,
    Search,
    Signal,
    Snapshot,
    VariableKind,
)
from coresnap.snapshot.display import Display
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.text import headline, render
from snapshot import specimens
from snapshot.specimens import frame, thread, variable


def test_the_headline_says_which_program_why_where_and_when() -> None:
    snapshot = specimens.small(
        attributes={"application": "server", "timestamp": 1_700_000_000}
    )
    assert headline(snapshot) == (
        "server (pid 4242) crashed by SIGSEGV (SEGV_MAPERR) at address 0x0 "
        "on 2023-11-14 22:13:20 UTC"
    )


@pytest.mark.parametrize("stamp", [1e300, -1e300, float("nan"), 10**17])
def test_an_impossible_time_is_left_out(stamp: float) -> None:
    snapshot = specimens.small(attributes={"timestamp": stamp})

    assert headline(snapshot).endswith("address 0x0")


def test_a_live_process_did_not_crash() -> None:
    snapshot = specimens.small(signal=None, threads=(thread(1, frames=(frame(),)),))

    text = render(snapshot)

    assert "was alive" in text
    assert "crashed" not in text
    assert "thread 1\n#0" in text


def test_a_thread_local_variable_says_whose_value_it_is() -> None:
    own = variable("count", value=7, kind=VariableKind.TLS, location="thread 12")
    text = render(specimens.small(globals=(own,)))
    assert "  int count (thread 12) = 7\n" in text


def test_how_the_core_was_taken_is_said_above_the_stacks() -> None:
    checks = [("pid", "passed"), ("extents", "failed"), ("signal", "passed")]
    record = {"checks": [{"name": n, "result": r} for n, r in checks]}
    snapshot = specimens.small(
        attributes={
            "capture.rung": "stacks",
            "capture.rung.reason": "budget",
            "capture.parked": 0.0025,
            "capture.budget": 120.0,
            "capture.way": "memory",
            "capture.door": "socket",
            "crash.suppressed": 12,
        },
        assets={"capture.json": json.dumps(record).encode()},
    )

    text = render(snapshot)

    assert (
        "  capture      stacks (budget); process held for 2.5 ms of 2m00s; "
        "by memory through the socket; 12 of its kind suppressed before\n"
    ) in text
    assert "  checks       1 failed, 2 passed (extents)\n" in text


def test_a_core_that_nobody_caught_has_no_capture() -> None:
    assert "capture" not in render(specimens.small())


@pytest.mark.parametrize(
    "record", [b"{", b"[]", b'{"checks": 3}', b'{"checks": [[], {"name": 3}]}']
)
def test_a_damaged_record_of_the_capture_spoils_nothing(record: bytes) -> None:
    assert render(specimens.small(assets={"capture.json": record}))


THREADS = (
    thread(frames=(frame(function="boom", variables=(variable(value=1),)),)),
    thread(1, frames=(frame(function="wait", variables=(variable(value=2),)),)),
    thread(2, frames=(frame(function="wait", variables=(variable(value=3),)),)),
)
THREE = specimens.small(threads=THREADS)


def test_by_default_only_the_crashed_thread_shows_variables() -> None:
    text = render(THREE)

    assert "thread 4242 crashed" in text
    assert "int count = 1" in text
    assert "2 threads: 1, 2" in text
    assert text.count("wait") == 1
    assert "count = 2" not in text


def test_all_threads_show_their_variables_when_asked() -> None:
    text = render(THREE, thread="all")

    assert [f"count = {n}" in text for n in (1, 2, 3)] == [True] * 3


def test_all_threads_without_variables_are_folded() -> None:
    text = render(THREE, thread="all", display=Display(details=False))

    assert "2 threads: 1, 2" in text
    assert "count" not in text


def test_one_thread_is_shown_alone() -> None:
    text = render(msgspec.structs.replace(THREE, notes=(Note("a", "b"),)), thread=2)

    assert "count = 3" in text
    assert "boom" not in text
    assert "notes" not in text


def test_a_thread_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    with pytest.raises(UsageError, match="no thread 77") as caught:
        render(THREE, thread=77)

    assert "4242, 1, 2" in caught.value.remedy


def test_the_full_specimen_shows_each_of_its_parts() -> None:
    text = render(specimens.full(), thread="all")

    for part in (
        "  simple gave up.",
        "sent by process 1 of user 1000",
        "the core is truncated",
        "./simple -v",
        "fingerprint  5a5a5a5a5a5a5a5a",
        "93/100 (memory: partly missing)",
        "               keep the whole core",
        "  abort                certain: SIGABRT",
        "0x401136  mov qword ptr [rax + 8], rdx",
        "write 8 bytes at 0x5592a8: [rax + 8] (failed)",
        "warning: the queue is full [queues]",
        "          - a",
        "glibc 2.36 (by symbols): 1 arena, 3 live blocks of 4,096 bytes",
        "damaged at 0x5592b8: size 0x41414141",
        "behind the free block 0x5592a0 of 24 bytes (tcache of thread 4242, main)",
        "program (argc=1) at /src/simple.c:13",
        "13 ▶ *(char *)r = '0';",
        "struct node *head = 0x5592a0",
        'char name[8] = "AAAAAA"',
        "<optimized out: no location at this pc>",
        "rip 0xffffffffffffffff",
        "int total = -3",
        "/usr/bin/simple  abababababab  (build-id mismatch)",
        "unwind: one thread has no registers",
    ):
        assert part in text


def hostile(noun: object, poison: str) -> object:
    """Put ``poison`` into every text of ``noun``."""
    if isinstance(noun, str):
        return noun + poison if type(noun) is str else noun
    if isinstance(noun, tuple):
        return tuple(hostile(item, poison) for item in noun)
    if isinstance(noun, dict):
        return {hostile(k, poison): hostile(v, poison) for k, v in noun.items()}
    if isinstance(noun, msgspec.Struct):
        fields = [field.name for field in msgspec.structs.fields(type(noun))]
        return type(noun)(**{n: hostile(getattr(noun, n), poison) for n in fields})
    return noun


@pytest.mark.parametrize("thread_choice", ["all", "crashed"])
def test_no_text_of_the_process_reaches_the_terminal_raw(thread_choice: str) -> None:
    poison = "\x1b]0;owned\x07\u202e\u2066\r\n\x9b"
    poisoned = hostile(msgspec.structs.replace(specimens.full(), attributes={}), poison)
    assert isinstance(poisoned, Snapshot)
    names = ["application", "hostname", "uname.release"]
    names += ["container.id", "container.pod", "container.hostname"]
    poisoned = msgspec.structs.replace(
        poisoned, attributes={n: "x" + poison for n in names}
    )

    text = render(poisoned, thread=thread_choice)

    assert re.findall(r"[^\n -~…│▶→×]", text) == []
    assert text.count("\n") < 120


def test_a_container_is_named() -> None:
    attributes: dict[str, int | float | str] = {
        "container.runtime": "podman",
        "container.id": "4f1c" * 16,
        "container.pid": 7,
        "container.user.id": 0,
        "container.namespaces": "mnt pid user",
    }
    snapshot = msgspec.structs.replace(specimens.full(), attributes=attributes)

    line = f"  container    podman {'4f1c' * 16}; pid 7; user 0; own mnt pid user\n"
    assert line in render(snapshot)
    assert "  container " not in render(
        msgspec.structs.replace(snapshot, attributes={})
    )


def test_text_without_colour_has_no_escape_and_with_colour_says_the_same() -> None:
    plain = render(specimens.full())
    coloured = render(specimens.full(), display=Display(ink=Ink(colour=True)))

    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_a_signal_without_siginfo_needs_no_code() -> None:
    snapshot = specimens.small(signal=Signal(11, "SIGSEGV"))

    assert headline(snapshot) == "simple (pid 4242) crashed by SIGSEGV"


def test_a_snapshot_with_nothing_in_it_is_still_a_text() -> None:
    empty = specimens.small(
        pid=None, command=None, arguments=None, signal=None, threads=()
    )
    assert render(empty).startswith("? was alive")


LIBRARY = Module(
    "/usr/lib/libx.so",
    0x1000,
    0x2000,
    0,
    symbols="dynsym",
    searches=(
        Search("debug-link", "/usr/lib/debug/libx.debug", "not there"),
        Search("debuginfod", "https://server/", "used\x1b"),
    ),
)


def test_what_was_looked_for_is_shown_where_that_is_wanted() -> None:
    shown = specimens.small(modules=(LIBRARY,))

    brief = render(shown)
    whole = render(shown, display=Display(searches=True))

    assert "--modules shows where" in brief
    assert "libx.debug" not in brief
    assert "debug-link  /usr/lib/debug/libx.debug  not there" in whole
    assert "debuginfod  https://server/  used\\e" in whole
    assert "--modules" not in whole


def test_nothing_hints_at_searches_where_all_was_found() -> None:
    found = msgspec.structs.replace(LIBRARY, symbols="dwarf")

    assert "--modules" not in render(specimens.small(modules=(found,)))


def test_each_compiler_is_named_once() -> None:
    unit = {"language": "C17", "producer": "GNU C17 12.2.0 -O2"}
    frames = (specimens.frame(**unit), specimens.frame(**unit), specimens.frame())
    shown = specimens.small(threads=(specimens.thread(frames=frames),))

    assert "compilers" not in render(shown)
    assert render(shown, display=Display(searches=True)).count("GNU C17") == 1


def test_what_was_left_out_is_told() -> None:
    dropped = (
        Dropped("variables", 12, "over 400,000 nodes", 4243),
        Dropped("memory", 4096, "more than 1 MiB"),
    )

    text = render(specimens.small(dropped=dropped))

    assert "left out\n  12 variables of thread 4243: over 400,000 nodes" in text
    assert "  4096 bytes of memory: more than 1 MiB" in text


def test_the_signal_is_explained_where_nothing_is_concluded() -> None:
    signal = Signal(11, "SIGSEGV", 1, "SEGV_MAPERR", 0, description="not mapped")
    assert "\n  not mapped\n" in render(specimens.small(signal=signal))


def test_a_paragraph_is_broken_between_words() -> None:
    told = specimens.small(summary="wrote to freed memory, " * 12)
    lines = render(told, display=Display(width=50)).splitlines()
    paragraph = [line for line in lines if "freed" in line]
    assert len(paragraph) > 3
    assert all(line.startswith("  ") and len(line) <= 50 for line in paragraph)


def test_no_more_than_two_remedies_are_shown_the_dearest_first() -> None:
    parts = [QualityPart(str(n), 10 * n, 0.5, "gone", f"Do {n}.") for n in (1, 3, 2)]
    text = render(specimens.small(quality_parts=tuple(parts)))
    assert re.findall(r"Do \d\.", text) == ["Do 3.", "Do 2."]


def test_who_sent_itself_a_signal_is_not_named_again() -> None:
    own = Signal(6, "SIGABRT", -6, "SI_TKILL", sender_pid=4242, sender_uid=1000)
    assert "sent by process" not in render(specimens.small(signal=own))
