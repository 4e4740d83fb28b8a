"""The kind of failure: by frames, messages and signal, in this order."""

from __future__ import annotations

import pytest

from coresnap.analysis.fingerprint import circumstances_of
from coresnap.analysis.messages.message import Message
from coresnap.model import Signal
from fingerprint.stacks import fingerprint_of, frame, stack

ABORT = (
    "libc.so.6!__pthread_kill_implementation",
    "libc.so.6!raise",
    "libc.so.6!abort",
)
PROGRAM = ("check", "main")


def signal(name: str = "SIGABRT", **fields: object) -> Signal:
    return Signal(number=6, name=name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("machinery", "family"),
    [
        ((), "abort"),
        (("libc.so.6!__assert_fail_base", "libc.so.6!__assert_fail"), "assert"),
        (("libc.so.6!__fortify_fail", "libc.so.6!__stack_chk_fail"), "stack-smash"),
        (("libc.so.6!__fortify_fail", "libc.so.6!__chk_fail"), "fortify"),
        (
            ("libc.so.6!malloc_printerr", "libc.so.6!_int_free", "libc.so.6!free"),
            "heap",
        ),
        (("libstdc++.so.6!std::terminate", "libstdc++.so.6!__cxa_throw"), "exception"),
        (("std::process::abort", "core::panicking::panic_fmt"), "panic"),
        (("libglib-2.0.so.0!g_assertion_message",), "assert"),
    ],
)
def test_what_stopped_the_process_tells_the_family_and_goes(
    machinery: tuple[str, ...], family: str
) -> None:
    found = fingerprint_of(stack(*ABORT, *machinery, *PROGRAM), "SIGABRT")

    assert found.family == family
    assert found.frames == ("app:check",)
    assert found.callstack[-2:] == PROGRAM


def test_inside_of_libc_nothing_needs_a_name() -> None:
    nameless = "libc.so.6!"
    with_symbols = (*ABORT, "libc.so.6!malloc_printerr", "libc.so.6!_int_free")
    without = (nameless, "libc.so.6!raise", "libc.so.6!abort", nameless, nameless)
    caller = ("libc.so.6!free", *PROGRAM)

    one = fingerprint_of(stack(*with_symbols, *caller), "SIGABRT")
    assert one.digest == fingerprint_of(stack(*without, *caller), "SIGABRT").digest


def test_a_heap_that_is_found_damaged_is_late_and_a_double_free_is_not() -> None:
    frames = stack(*ABORT, "libc.so.6!malloc_printerr", "libc.so.6!malloc", *PROGRAM)

    assert fingerprint_of(frames, "SIGABRT").late
    assert not fingerprint_of(frames, "SIGABRT", said="heap", prompt=True).late
    assert fingerprint_of(stack("libc.so.6!_int_malloc", *PROGRAM)).family == "heap"


def test_the_call_that_noticed_is_read_and_not_signed() -> None:
    found = fingerprint_of(stack("libc.so.6!_int_free", "libc.so.6!free", *PROGRAM))

    assert found.callstack == ("free", *PROGRAM)
    assert found.frames == ("app:check",)


def test_an_assertion_counts_by_its_expression() -> None:
    def said(expression: str) -> str:
        parts = {"expression": expression, "line": "12"}
        message = Message("abort", f"line 12: {expression}", 1, "symbol", parts=parts)
        facts = circumstances_of(signal(), (), [message])
        frames = stack(*ABORT, "libc.so.6!__assert_fail", *PROGRAM)
        return fingerprint_of(
            frames, "SIGABRT", said=facts.said, message=facts.message
        ).digest

    assert said("count < limit") == said("count  <\tlimit")
    assert said("count < limit") != said("count > 0")


def test_an_exception_counts_by_its_type_and_not_by_its_text() -> None:
    def facts(type_: str, text: str) -> tuple[str, str]:
        message = Message("exception", text, 1, "scan", parts={"type": type_})
        found = circumstances_of(signal(), (), [message])
        return found.said, found.message

    assert facts("ParseError", "line 12") == facts("ParseError", "line 98")
    assert facts("a::Error<int>", "x") == ("exception", "a::Error")


def test_what_was_said_before_does_not_count_for_a_fault() -> None:
    found = fingerprint_of(stack(*PROGRAM), said="exception", message="ParseError")

    assert found.family == "memory"
    assert found.message == ""


def test_an_exception_that_was_handled_gives_way_to_the_assertion() -> None:
    handled = Message(
        "exception", "", 1, "scan", parts={"type": "Error", "state": "handled"}
    )
    failed = Message("abort", "", 1, "symbol", parts={"expression": "x"})

    assert circumstances_of(signal(), (), [handled, failed]).said == "assert"


def test_a_signal_of_another_process_is_a_family_of_its_own() -> None:
    sent = circumstances_of(signal("SIGSEGV", sender_pid=7), (), pid=9)
    own = circumstances_of(signal("SIGSEGV", sender_pid=9), (), pid=9)

    assert sent.sent
    assert not own.sent
    assert fingerprint_of(stack(*PROGRAM), sent=True).family == "sent SIGSEGV"


def test_a_handler_that_raises_its_signal_again_leaves_what_it_interrupted() -> None:
    inside = [*stack("libc.so.6!raise", "on_fault"), frame("x", signal_frame=True)]
    found = fingerprint_of([*inside, *stack(*PROGRAM)])

    assert found.digest == fingerprint_of(stack(*PROGRAM)).digest


def test_a_handler_that_raises_as_its_last_act_is_not_there() -> None:
    inside = [
        *stack("libc.so.6!raise"),
        frame("libc.so.6!__restore_rt", signal_frame=True),
    ]
    found = fingerprint_of([*inside, *stack(*PROGRAM)])

    assert found.digest == fingerprint_of(stack(*PROGRAM)).digest


def test_who_is_told_to_have_freed_wrongly_is_prompt() -> None:
    reason = Message("abort", "free(): invalid size", 1, "symbol")

    assert not circumstances_of(signal(), (), [reason]).prompt
    assert circumstances_of(signal(), (), [reason], ["invalid-free"]).prompt


def test_a_handler_that_aborts_decided_to() -> None:
    inside = [*stack(*ABORT, "on_alarm"), frame("x", signal_frame=True)]
    found = fingerprint_of([*inside, *stack(*PROGRAM)], "SIGABRT")

    assert found.frames == ("app:on_alarm", "app:check")
