"""Signal handlers on the stack."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules.handlers import (
    RULES,
    CrashedInHandler,
    HandlerRecursion,
    UnsafeInHandler,
)
from coresnap.analysis.classify.verdict import judge

from ..cases import concluded
from .test_calls import frame, stack


def handler(called: str, interrupted: str) -> Case:
    frames = (frame("abort"), frame(called), frame("serve"))
    kernel = frame("__restore_rt", signal_frame=True)
    return stack(*frames, kernel, frame(interrupted), frame("main"), address=None)


@pytest.mark.parametrize(
    ("called", "interrupted", "expected"),
    [
        ("malloc", "_int_free", {"call-contract": "probable"}),
        ("printf", "printf", {"call-contract": "probable"}),
        ("malloc", "main", {"call-contract": "hint"}),
        ("write", "malloc", {}),
    ],
)
def test_handlers_must_not_call_what_they_interrupt(
    called: str, interrupted: str, expected: dict[str, str]
) -> None:
    assert concluded(handler(called, interrupted), UnsafeInHandler()) == expected


KERNEL = frame("__restore_rt", signal_frame=True)


def test_what_a_signal_interrupted_is_hinted_at() -> None:
    crash = stack(frame("abort"), frame("serve"), KERNEL, frame("main"))
    (found,) = judge(crash, (CrashedInHandler(),)).classifiers
    assert found.summary == "was in a signal handler, which had interrupted main"
    assert found.frame == 3


def test_a_signal_of_another_process_says_nothing_of_the_handler() -> None:
    frames = (frame("abort"), frame("serve"), KERNEL, frame("main"))
    assert concluded(stack(*frames, address=None), CrashedInHandler()) == {}


def test_a_handler_that_interrupts_itself_is_a_recursion() -> None:
    nested = (frame("serve"), KERNEL, frame("serve"), KERNEL, frame("main"))
    assert concluded(stack(*nested), HandlerRecursion()) == {
        "signal.recursion": "probable"
    }
    different = (frame("serve"), KERNEL, frame("main"), KERNEL, frame("main"))
    assert concluded(stack(*different), HandlerRecursion()) == {}


def test_a_stack_without_signals_has_nothing_of_it() -> None:
    assert concluded(stack(frame("malloc"), frame("main")), *RULES) == {}
    assert concluded(stack(KERNEL), *RULES) == {}
