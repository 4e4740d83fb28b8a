from __future__ import annotations

import pytest

from coresnap.model import Frame, Trust, UnwindEnd, VariableKind
from coresnap.snapshot.display import Display
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.stacks import (
    folded,
    frame_heading,
    frame_lines,
    function_signature,
    module_place,
    register_lines,
    thread_heading,
    thread_lines,
)
from coresnap.snapshot.type_shortening import with_short_types
from snapshot.specimens import frame, thread, variable

PLAIN = Display()
BRIEF = Display(details=False)


def argument(name: str, type_: str = "int", **fields: object) -> object:
    return variable(name, type_, kind=VariableKind.ARGUMENT, **fields)


def test_a_signature_shows_each_argument_with_its_value() -> None:
    shown = function_signature(
        frame(
            function="f",
            variables=(
                argument("n", value=3),
                argument("s", "char *", value=16, text="x"),
                argument("gone", missing="optimized out: the caller does not say"),
                variable("local", value=1),
            ),
        )
    )
    assert shown == 'f (n=3, s=0x10 "x", gone=<optimized out>)'


def test_a_gap_is_shown_and_frames_behind_it_have_their_own_numbers() -> None:
    long = thread(
        frames=(
            frame(function="leaf"),
            frame(function="again", left_out=98_231),
            frame(function="main"),
        )
    )
    lines = list(thread_lines(long, BRIEF))
    assert [line.split(" in ")[0].strip() for line in lines] == [
        "#0   leaf",
        "… 98,231 frames left out …",
        "#98232 again",
        "#98233 main",
    ]


def test_a_long_argument_is_cut_in_the_signature() -> None:
    shown = function_signature(
        frame(function="f", variables=(argument("s", "char[99]", text="a" * 99),))
    )
    assert shown.endswith("…)")
    assert len(shown) < 60


def test_a_frame_without_a_name_has_no_signature() -> None:
    assert function_signature(frame()) == ""


@pytest.mark.parametrize(
    ("shown", "fields"),
    [
        (
            "#0   main () at /src/a.c:7",
            {"function": "main", "file": "/src/a.c", "line": 7},
        ),
        ("#0   main () at /src/a.c", {"function": "main", "file": "/src/a.c"}),
        (
            "#0   main () at /src/a.c:7 [inlined]",
            {"function": "main", "file": "/src/a.c", "line": 7, "inline": True},
        ),
        (
            "#0   abort+0x1f in libc.so.6+0x2724a",
            {
                "function": "abort",
                "function_offset": 0x1F,
                "module": "/lib/libc.so.6",
                "module_offset": 0x2724A,
            },
        ),
        (
            "#0   0x0000000000401136 in simple+0x1136 [by frame pointer]",
            {
                "module": "/bin/simple",
                "module_offset": 0x1136,
                "trust": Trust.FRAME_POINTER,
            },
        ),
        (
            "#0   0x0000000000401136 in ?? (no module here) "
            "[guess: found by scanning the stack]",
            {"trust": Trust.SCAN},
        ),
        (
            "#0   <signal handler called> 0x0000000000401136",
            {"signal_frame": True},
        ),
        (
            "#0   f () at a.c:7 [optimized] [by its instructions]",
            {
                "function": "f",
                "file": "a.c",
                "line": 7,
                "optimized": True,
                "trust": Trust.PROLOGUE,
            },
        ),
        (
            "#0   f () at a.c:7 [inlined]",
            {
                "function": "f",
                "file": "a.c",
                "line": 7,
                "optimized": True,
                "inline": True,
            },
        ),
        (
            "#0   [python] load () at app.py:12",
            {
                "function": "load",
                "file": "app.py",
                "line": 12,
                "language": "Python",
                "interpreter": "CPython 3.11",
                "trust": Trust.INTERPRETER,
            },
        ),
        (
            "#0   Vec<u8>::push () at a.rs",
            {
                "function": "alloc::vec::Vec<u8, alloc::alloc::Global>::push",
                "short_name": "Vec<u8>::push",
                "file": "a.rs",
            },
        ),
    ],
)
def test_a_heading_says_what_is_known_and_what_is_doubtful(
    shown: str, fields: dict[str, object]
) -> None:
    assert frame_heading(0, frame(**fields), PLAIN) == shown


MAP = "std::map<int, int, std::less<int>, std::allocator<std::pair<int const, int> > >"


def test_names_are_shown_in_full_where_that_is_wanted() -> None:
    value = variable("numbers", MAP, members=(variable("size", MAP, value=1),))
    shown = frame(function=f"{MAP}::at", short_name="short", variables=(value,))

    short = "\n".join(frame_lines(0, shown, PLAIN))
    full = "\n".join(frame_lines(0, shown, Display(full_names=True)))

    assert "short" in short
    assert "std::map<int, int> numbers" in short
    assert "std::less" not in short
    assert full.count("std::less<int>") == 3
    assert "short" not in full


def test_variables_without_long_types_are_not_copied() -> None:
    value = variable("p", "struct node *", target=variable("*", "struct node"))
    assert with_short_types(value) is value


def test_a_forged_tree_of_variables_is_shortened_as_deep_as_it_is_shown() -> None:
    value = variable("x", MAP)
    for _ in range(500):
        value = variable("x", MAP, target=value)
    short = with_short_types(value)
    assert short.type == "std::map<int, int>"


def test_a_module_place_is_what_addr2line_takes() -> None:
    assert module_place(frame(module="/a/b.so", module_offset=0x10)) == "b.so+0x10"
    assert module_place(frame()) == ""


SOURCE = frame(
    function="f",
    file="a.c",
    line=4,
    source=("one", "two", "\tthree", "four\x1b", "five", "six", "seven"),
    source_start=1,
)


def lines_of(shown: Frame, *, details: bool = True) -> list[str]:
    return list(frame_lines(0, shown, PLAIN if details else BRIEF))


def test_an_arrow_marks_the_line_among_its_neighbours() -> None:
    assert lines_of(SOURCE)[1:] == [
        "        2 │ two",
        "        3 │     three",
        "        4 ▶ four\\e",
        "        5 │ five",
        "        6 │ six",
    ]


def test_without_details_a_frame_is_one_line() -> None:
    assert lines_of(SOURCE, details=False) == ["#0   f () at a.c:4"]


def test_variables_stand_below_their_frame() -> None:
    shown = frame(function="f", variables=(variable(value=1),))

    assert lines_of(shown)[1:] == ["     int count = 1"]


def test_threads_at_the_same_place_are_folded_but_never_the_crashed_one() -> None:
    stack = (frame(function="wait"),)
    threads = [
        thread(4242, frames=stack),
        thread(1, frames=stack),
        thread(2, frames=(frame(pc=1),)),
        thread(3, frames=stack),
    ]

    assert [[t.tid for t in group] for group in folded(threads)] == [
        [4242],
        [1, 3],
        [2],
    ]


def test_a_folded_heading_lists_names_and_ids() -> None:
    group = [thread(1, name="w"), thread(2, name="w"), thread(3, name="a\x07")]

    shown = thread_heading(group, Ink())

    assert shown == '3 threads "a\\x07" "w": 1, 2, 3'


def test_the_crashed_thread_says_so() -> None:
    assert thread_heading([thread()], Ink()) == "thread 4242 crashed"


def test_an_incomplete_stack_says_why_it_ends() -> None:
    cut = thread(1, end=UnwindEnd.UNREADABLE)

    (line,) = thread_lines(cut, PLAIN)
    assert "does not hold the rest" in line


def test_a_complete_stack_ends_without_a_word() -> None:
    assert list(thread_lines(thread(1), PLAIN)) == []


def test_every_unclean_end_is_explained() -> None:
    clean = {UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS}
    for end in set(UnwindEnd) - clean:
        assert list(thread_lines(thread(1, end=end), BRIEF))


def test_registers_fill_the_width_in_columns() -> None:
    lines = list(register_lines({f"r{n}": n for n in range(5)}, 60))

    assert lines[0] == "  r0 0x0000000000000000  r1 0x0000000000000001"
    assert len(lines) == 3


def test_colour_is_added_only_when_it_is_on() -> None:
    shown = frame(function="f", file="a.c", line=1)

    assert "\x1b" not in frame_heading(0, shown, PLAIN)
    assert "\x1b[33mf\x1b[0m" in frame_heading(0, shown, Display(ink=Ink(colour=True)))
