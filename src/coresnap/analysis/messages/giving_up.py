"""Whether a process ended itself: by its signal, or by who stands on its stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.model import Frame, Signal

__all__ = ["gave_up"]

_INNERMOST = 64
"""Frames that are looked at: abort handlers and unwinders stand above the cause."""
_FUNCTIONS = frozenset(
    {
        "abort",
        "__abort",
        "__assert",
        "__assert2",
        "__assert_fail",
        "__chk_fail",
        "__cxa_call_terminate",
        "__cxa_pure_virtual",
        "__cxa_rethrow",
        "__cxa_throw",
        "__fortify_fail",
        "__libc_message",
        "__stack_chk_fail",
        "g_assertion_message",
        "g_assertion_message_expr",
        "g_log",
        "g_logv",
        "malloc_printerr",
        "runtime.fatalpanic",
        "runtime.fatalthrow",
        "runtime.gopanic",
        "runtime.throw",
        "rust_begin_unwind",
        "rust_panic",
        "std::terminate",
    }
)


def gave_up(signal: Signal | None, frames: Sequence[Frame]) -> bool:
    """Whether the process aborted, or someone who gives up stands on the stack."""
    if signal is not None and signal.name == "SIGABRT":
        return True
    return any(frame.function in _FUNCTIONS for frame in frames[:_INNERMOST])
