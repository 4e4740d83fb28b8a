"""Equal faults have equal fingerprints; unlike ones do not."""

from __future__ import annotations

import pytest

from coresnap.analysis.fingerprint import fingerprint, normalise_function
from coresnap.model import Frame, Trust


def stack(*names: str, line: int = 1, pc: int = 0x1000) -> list[Frame]:
    return [
        Frame(pc + i, Trust.CFI, function=name, module="/usr/bin/app", line=line)
        for i, name in enumerate(names)
    ]


def digest(*frames: Frame) -> str:
    return fingerprint("app", "SIGSEGV", frames).digest


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("copy.constprop.0.isra.3", "copy"),
        ("copy.cold", "copy"),
        ("name[abi:cxx11]", "name"),
        ("__GI_raise", "raise"),
        ("__GI___libc_free", "free"),
        ("__libc_malloc", "malloc"),
        ("__memcpy_avx_unaligned_erms", "memcpy"),
        ("__strlen_evex", "strlen"),
        ("__memmove_sse2_unaligned_erms", "memmove"),
        ("std::vector<int, std::allocator<int> >::at", "std::vector::at"),
        ("operator<", "operator<"),
        ("app::run::h0123456789abcdef", "app::run"),
        ("<app::Order as core::fmt::Debug>::fmt",) * 2,
        (
            "<alloc::vec::Vec<u8> as app::Sum>::sum",
            "<alloc::vec::Vec as app::Sum>::sum",
        ),
        ("app::first::<u32>", "app::first"),
        ("memory_pool_init", "memory_pool_init"),
        ("strict_parse", "strict_parse"),
    ],
)
def test_one_function_has_one_spelling(name: str, spelling: str) -> None:
    assert spelling == normalise_function(name)


def test_lines_and_addresses_do_not_count() -> None:
    old = stack("fault", "main", line=10, pc=0x1000)
    new = stack("fault", "main", line=99, pc=0x7F00)
    assert digest(*old) == digest(*new)


def test_function_application_and_kind_of_failure_count() -> None:
    frames = stack("fault", "main")
    assert digest(*frames) != digest(*stack("other", "main"))
    assert digest(*frames) != fingerprint("tool", "SIGSEGV", frames).digest
    assert digest(*frames) != fingerprint("app", "SIGFPE", frames).digest


def test_one_fault_has_one_kind_whatever_signal_a_system_has_for_it() -> None:
    frames = stack("fault", "main")
    assert digest(*frames) == fingerprint("app", "SIGBUS", frames).digest


def test_how_it_stopped_is_dropped_and_where_is_kept() -> None:
    frames = stack("__pthread_kill_implementation", "raise", "abort", "check", "main")
    found = fingerprint("app", "SIGABRT", frames)
    assert found.frames == ("app:check",)


def test_a_skipped_name_deeper_in_the_stack_is_kept() -> None:
    found = fingerprint("app", "SIGSEGV", stack("fault", "raise", "main"))
    assert found.frames == ("app:fault", "app:raise")


def test_what_calls_main_is_cut_off() -> None:
    with_start = stack("fault", "main", "__libc_start_call_main", "_start")
    assert digest(*with_start) == digest(*stack("fault", "main"))


@pytest.mark.parametrize("cycle", [("walk",), ("eval", "apply"), ("a", "b", "c")])
def test_recursion_depth_does_not_count(cycle: tuple[str, ...]) -> None:
    shallow = stack("fault", *(cycle * 2), "main")
    deep = stack("fault", *(cycle * 50), "main")
    assert digest(*shallow) == digest(*deep)


def test_a_frame_without_a_name_counts_by_build_and_offset() -> None:
    frame = Frame(
        0x7F01, Trust.CFI, module="/lib/x.so", module_offset=0x101, build_id="ab12"
    )
    assert fingerprint("app", "SIGSEGV", [frame]).frames == ("ab12+0x101",)


def test_rust_implementations_go_by_type_and_trait_not_by_number() -> None:
    symbol = "_RNvXs_CsjgVfYmPBj4U_3appNtB4_5OrderNtNtCs6UvUjUYXtWa_4core3fmt5Debug3fmt"
    one, two = (
        Frame(1, Trust.CFI, function=f"app::{{impl#{n}}}::fmt", linkage_name=symbol)
        for n in (1, 2)
    )
    stripped = Frame(1, Trust.CFI, function="<app::Order as core::fmt::Debug>::fmt")
    assert digest(one) == digest(two) == digest(stripped)


def test_a_guessed_frame_does_not_count() -> None:
    guess = Frame(0x1, Trust.SCAN, function="stale", module="/usr/bin/app")
    assert digest(*stack("fault", "main")) == digest(
        *stack("fault"), guess, *stack("main")
    )


def python_frame(function: str, file: str, line: int, module: str) -> Frame:
    return Frame(
        0x1,
        Trust.INTERPRETER,
        function=function,
        file=file,
        line=line,
        module=module,
        interpreter="CPython 3.12",
    )


def python_stack(module: str, evaluator: str, line: int) -> list[Frame]:
    def native(function: str) -> Frame:
        return Frame(0x2, Trust.CFI, function=function, module=module)

    return [
        Frame(0x3, Trust.CFI, function="strlen", module="/lib/libc.so.6"),
        python_frame("load", "/srv/app.py", line, module),
        native(evaluator),
        Frame(0x4, Trust.CFI, function="qsort", module="/lib/libc.so.6"),
        python_frame("<module>", "/srv/app.py", line + 9, module),
        native(evaluator),
        native("Py_RunMain"),
    ]


def test_interpreted_frames_count_by_file_and_function() -> None:
    found = fingerprint("app", "SIGSEGV", python_stack("/bin/python3", "evaluate", 3))
    assert found.frames == ("app.py:load", "libc.so:qsort", "app.py:<module>")


def test_what_runs_an_interpreted_function_does_not_count() -> None:
    assert digest(*python_stack("/bin/python3.11", "_PyEval_Vector", 3)) == digest(
        *python_stack("/lib/libpython3.12.so.1.0", "_PyEval_EvalFrameDefault", 4)
    )


def test_an_empty_stack_still_has_a_fingerprint() -> None:
    assert len(digest()) == 64
