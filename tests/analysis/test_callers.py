"""Whose call it was: what belongs to run-times is passed over."""

from __future__ import annotations

import pytest

from coresnap.analysis.callers import first_outside_libraries, is_of_a_runtime
from coresnap.model import Frame, Trust


def frame(
    function: str | None, module: str = "/opt/app", *, signal_frame: bool = False
) -> Frame:
    return Frame(1, Trust.CFI, False, signal_frame, function=function, module=module)


@pytest.mark.parametrize(
    "function",
    [
        "__GI_raise",
        "__libc_free",
        "std::vector<int>::at",
        "core::panicking::panic_fmt",
        "panic_abort::__rust_start_panic",
        "rust_begin_unwind",
        "__ubsan_handle_divrem_overflow_abort",
    ],
)
def test_functions_of_run_times_in_a_static_program(function: str) -> None:
    assert is_of_a_runtime(frame(function))


def test_names_that_only_begin_alike_are_the_programs() -> None:
    assert not is_of_a_runtime(frame("free_list"))
    assert not is_of_a_runtime(frame("raise_alarm"))
    assert not is_of_a_runtime(frame(None))


def test_the_first_of_the_programs_own_is_found() -> None:
    inside = frame(None, "/usr/lib/x86_64-linux-gnu/libc.so.6")
    signal = frame(None, signal_frame=True)
    assert first_outside_libraries([inside, signal, frame("serve")]) == 2
    assert first_outside_libraries([inside]) is None
