"""What does not count: libraries' insides, plumbing, recursion, distant callers."""

from __future__ import annotations

import pytest

from coresnap.analysis.fingerprint import Fate
from coresnap.model import Frame, Trust
from fingerprint.stacks import fingerprint_of, frame, stack


@pytest.mark.parametrize(
    "inside",
    [
        (),
        ("std::__introsort_loop", "std::__unguarded_partition"),
        ("__gnu_cxx::__ops::_Iter_comp_iter::operator()", "std::__insertion_sort"),
    ],
)
def test_of_a_library_the_function_counts_that_was_called(
    inside: tuple[str, ...],
) -> None:
    found = fingerprint_of(stack("less", *inside, "std::sort<int*>", "run", "main"))

    assert found.frames == ("app:less", "app:std::sort", "app:run")


def test_neither_version_nor_symbols_of_libc_count() -> None:
    old = stack("compare", "libc-2.31.so!msort_with_tmp.part.0", "libc-2.31.so!qsort_r")
    new = stack("compare", "libc.so.6!", "libc.so.6!", "libc.so.6!qsort")
    rest = stack("sort_names", "main")

    assert fingerprint_of(old + rest).digest == fingerprint_of(new + rest).digest


def test_whether_memcpy_was_called_or_put_in_place_does_not_count() -> None:
    called = stack("libc.so.6!__memcpy_avx_unaligned_erms", "copy", "main")

    assert fingerprint_of(called).digest == fingerprint_of(called[1:]).digest
    assert fingerprint_of(called).callstack == ("memcpy", "copy", "main")


def test_a_stack_of_a_library_alone_still_counts() -> None:
    one, other = stack("libc.so.6!poll"), stack("libc.so.6!strlen")

    assert fingerprint_of(one).digest != fingerprint_of(other).digest


@pytest.mark.parametrize(
    "plumbing",
    [
        (
            "std::_Function_handler<void ()>::_M_invoke",
            "std::function<void ()>::operator()",
        ),
        ("libuv.so.1!uv__stream_io", "libuv.so.1!uv__io_poll"),
        (
            "libglib-2.0.so.0!g_main_dispatch",
            "libglib-2.0.so.0!g_main_context_dispatch",
        ),
        ("libQt5Core.so.5!doActivate<false>", "libQt5Core.so.5!QMetaObject::activate"),
        ("boost::asio::detail::executor_op<x>::do_complete",),
        ("core::ops::function::FnOnce::call_once{{vtable.shim}}",),
    ],
)
def test_plumbing_does_not_count(plumbing: tuple[str, ...]) -> None:
    found = fingerprint_of(stack("on_data", *plumbing, "run", "main"))

    assert found.frames == ("app:on_data", "app:run")
    assert found.callstack == ("on_data", "run", "main")


def test_of_nothing_but_plumbing_one_frame_is_left() -> None:
    found = fingerprint_of(stack("std::thread::_State_impl<x>::_M_run"))

    assert found.frames == ("app:std::thread::_State_impl::_M_run",)


def test_a_program_s_own_arena_is_no_allocator() -> None:
    assert fingerprint_of(stack("arena_alloc", "main")).family == "memory"
    found = fingerprint_of(stack("libjemalloc.so.2!arena_malloc_hard", "main"))
    assert found.family == "heap"


@pytest.mark.parametrize(("turns", "entered"), [(3, 0), (20, 0), (20, 1), (7, 1)])
def test_of_an_exhausted_stack_the_cycle_counts_wherever_it_was_met(
    turns: int, entered: int
) -> None:
    cycle = ["visit", "walk", "descend"] * turns
    frames = stack("libc.so.6!vsnprintf", *cycle[entered:], "start_here", "main")

    found = fingerprint_of(frames, overflow=True)
    assert found.family == "stack-overflow"
    assert found.frames == ("app:descend", "app:visit", "app:walk")


def test_depth_and_way_of_a_recursion_do_not_count() -> None:
    shallow = stack("fault", "list", "value", "main")
    deep = stack("fault", "list", "value", "value", "list", "value", "list", "main")

    assert fingerprint_of(shallow).digest == fingerprint_of(deep).digest
    assert fingerprint_of(deep).lines[-2].fate == Fate.COLLAPSED


@pytest.mark.parametrize("entry", ["main", "parcels::main", "main.main"])
def test_main_is_read_and_counts_where_nothing_else_does(entry: str) -> None:
    called, jumped = stack("price_of", entry), stack("price_of")

    assert fingerprint_of(called).digest == fingerprint_of(jumped).digest
    assert fingerprint_of(called).callstack == ("price_of", entry)
    assert fingerprint_of(stack(entry)).frames == (f"app:{entry}",)


def test_what_a_header_of_libc_puts_in_place_is_libc_s() -> None:
    place = "/usr/include/x86_64-linux-gnu/bits/stdlib-bsearch.h"
    put = frame("bsearch", inline=True, file=place)
    called = frame("libc.so.6!bsearch")

    for rest in (stack("find", "main"), []):
        one, other = ([frame("compare"), f, *rest] for f in (put, called))
        assert fingerprint_of(one).digest == fingerprint_of(other).digest


def test_a_recursion_needs_no_names() -> None:
    def at(offset: int) -> Frame:
        return frame("app!", unwind_entry="54:94aec594", function_offset=offset)

    shallow = [at(0x44), frame("main")]
    deep = [at(0x44), at(0x31), at(0x44), at(0x31), frame("main")]
    assert fingerprint_of(shallow).digest == fingerprint_of(deep).digest


def test_callers_far_out_do_not_count() -> None:
    names = [f"function_{n:c}" for n in range(97, 123)]
    found = fingerprint_of(stack(*names))

    assert len(found.frames) == 8
    assert [line.fate for line in found.lines[8:]] == [Fate.CUT] * 18
    assert len(found.callstack) == 26


def test_the_caller_of_a_wild_pointer_is_no_guess() -> None:
    wild = Frame(0x41, Trust.CONTEXT, stack_pointer=0x7FF0)
    guess = Frame(0x2000, Trust.SCAN, function="dispatch", stack_pointer=0x7FF8)
    farther = Frame(0x3000, Trust.SCAN, function="stale", stack_pointer=0x8100)

    found = fingerprint_of([wild, guess, farther, frame("main")])
    assert found.frames == ("?", "?:dispatch")


@pytest.mark.parametrize(
    ("function", "linkage"),
    [
        ("(anonymous struct)::operator()", None),
        ("(anonymous class)::operator()", "_ZZ3runvENK3$_0clEv"),
        ("run()::{lambda(int)#1}::operator()", None),
    ],
)
def test_compilers_agree_on_a_lambda(function: str, linkage: str | None) -> None:
    one = frame(function, linkage_name=linkage, file="/build/x/app.cc")

    assert fingerprint_of([one]).frames == ("app:{lambda in app.cc}",)


def test_a_function_without_a_name_goes_by_its_unwind_entry() -> None:
    one = frame(
        "app!", unwind_entry="1a3:9f3c2b1d", function_offset=0x42, build_id="ab"
    )

    assert fingerprint_of([one]).frames == ("app!1a3:9f3c2b1d+0x42",)


def test_every_frame_has_its_fate_and_the_rule_behind_it() -> None:
    frames = stack("libc.so.6!abort", "f.cold", "g", "uv_run", "_start")
    found = fingerprint_of(frames, "SIGABRT")

    assert [(line.fate, line.rule) for line in found.lines] == [
        (Fate.DROPPED, "failures: abort"),
        (Fate.RENAMED, "normalised name"),
        (Fate.KEPT, ""),
        (Fate.KEPT, ""),
        (Fate.STOPPED, "libc: _start"),
    ]


SAME_ON_BOTH = {
    "abort": (
        ("libc.so.6!__pthread_kill_implementation", "libc.so.6!raise"),
        ("libsys.so.7!__sys_thr_kill", "libc.so.7!__raise"),
        ("libc.so.{}!abort",),
    ),
    "assert": (
        ("libc.so.6!raise", "libc.so.6!abort", "libc.so.6!__assert_fail_base"),
        ("libc.so.7!__sys_thr_kill", "libc.so.7!__raise", "libc.so.7!abort"),
        ("libc.so.{}!__assert",),
    ),
    "stack-smash": (
        ("libc.so.6!raise", "libc.so.6!abort", "libc.so.6!__fortify_fail"),
        ("libc.so.7!__sys_kill", "libc.so.7!__fail"),
        ("libc.so.{}!__stack_chk_fail",),
    ),
    "exception": (
        ("libc.so.6!abort", "libstdc++.so.6!__cxxabiv1::__terminate"),
        ("libc.so.7!abort", "libcxxrt.so.1!report_failure"),
        ("libstdc++.so.{}!__cxa_throw",),
    ),
    "heap": (
        ("libc.so.6!_int_free",),
        ("libc.so.7!__je_arena_dalloc_small", "libc.so.7!__je_ifree"),
        ("libc.so.{}!free",),
    ),
}
"""Frames of Linux, of FreeBSD, and what stands above both, by the failure's family."""


@pytest.mark.parametrize("family", SAME_ON_BOTH)
def test_linux_and_freebsd_stop_in_the_same_way(family: str) -> None:
    linux, freebsd, both = SAME_ON_BOTH[family]
    own = ("check", "run", "main")
    one = (*linux, *(name.format(6) for name in both), *own)
    other = (*freebsd, *(name.format(7) for name in both), *own)
    ours = fingerprint_of(stack(*one, "libc.so.6!__libc_start_call_main", "_start"))
    theirs = fingerprint_of(stack(*other, "libc.so.7!__libc_start1", "_start"))

    assert (ours.digest, ours.frames) == (theirs.digest, theirs.frames)
    assert ours.family == theirs.family == family
    assert ours.frames[0] == "app:check"


def test_how_freebsds_threads_take_signals_and_begin_does_not_count() -> None:
    inside = ("on_alarm", "libthr.so.3!handle_signal", "libthr.so.3!thr_sighandler")
    ours = stack(*inside, "work", "libthr.so.3!thread_start")
    theirs = stack("on_alarm", "work", "libc.so.6!start_thread", "libc.so.6!clone3")

    assert fingerprint_of(ours).frames == ("app:on_alarm", "app:work")
    assert fingerprint_of(ours).digest == fingerprint_of(theirs).digest
