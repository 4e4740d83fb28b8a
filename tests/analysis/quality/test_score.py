"""The quality score falls with what is missing, and says why."""

from __future__ import annotations

import msgspec
import pytest

from coresnap.analysis.capture import CaptureFacts
from coresnap.analysis.quality.score import record_quality, score_quality
from coresnap.model import (
    Frame,
    Module,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)

APP = Module("/usr/bin/app", 0x1000, 0x2000, 0x1000, file="/usr/bin/app")
VALUE = Variable("n", "int", VariableKind.LOCAL, 1)
GONE = Variable("n", "int", VariableKind.LOCAL, missing="optimized out")


def thread(*frames: Frame, end: UnwindEnd = UnwindEnd.OUTERMOST) -> Thread:
    return Thread(1, True, end, frames=frames)


def frame(
    trust: Trust = Trust.CFI, line: int | None = 3, *variables: Variable
) -> Frame:
    return Frame(
        0x1100,
        trust,
        function="run",
        line=line,
        module="/usr/bin/app",
        variables=variables or (VALUE,),
    )


def score(*threads: Thread, truncated: bool = False) -> int:
    return score_quality(threads, [APP], truncated=truncated).score


def test_a_complete_stack_with_all_variables_has_full_marks() -> None:
    found = score_quality([thread(frame(), frame())], [APP], truncated=False)
    assert (found.score, found.reason) == (100, "")


def test_nothing_unwound_is_worth_nothing() -> None:
    assert score() == 0
    assert score(thread()) == 0


@pytest.mark.parametrize(
    "worse",
    [
        thread(frame(), frame(Trust.SCAN)),
        thread(frame(), frame(line=None)),
        thread(frame(), frame(), end=UnwindEnd.UNREADABLE),
        thread(frame(), frame(Trust.CFI, 3, GONE)),
    ],
    ids=["guessed frame", "no line", "stack cut off", "value missing"],
)
def test_each_defect_costs_and_is_named(worse: Thread) -> None:
    found = score_quality([worse], [APP], truncated=False)
    assert found.score < 100
    assert found.reason


def test_a_frame_without_debug_information_names_its_module() -> None:
    found = score_quality([thread(frame(line=None))], [APP], truncated=False)
    assert "/usr/bin/app" in found.reason


def test_a_wrong_file_caps_the_score_only_if_the_stack_runs_through_it() -> None:
    wrong = msgspec.structs.replace(
        APP, file=None, problem="build-id of the file differs"
    )
    unsure = msgspec.structs.replace(APP, problem="the core does not hold the build-id")
    elsewhere = msgspec.structs.replace(wrong, path="/usr/lib/unused.so")
    stack = [thread(frame())]
    assert score_quality(stack, [wrong], truncated=False).score == 50
    assert score_quality(stack, [APP, elsewhere], truncated=False).score == 100
    assert score_quality(stack, [unsure], truncated=False).score == 100


def test_a_truncated_core_says_so() -> None:
    found = score_quality([thread(frame())], [APP], truncated=True)
    assert found.score <= 70
    assert "truncated" in found.reason


def test_a_core_that_was_kept_in_part_says_what_that_costs() -> None:
    stack = [thread(frame())]

    found = {
        rung: score_quality(
            stack, [APP], truncated=False, capture=CaptureFacts(rung, "budget")
        )
        for rung in ("full", "stacks", "notes")
    }

    assert found["full"].score == 100
    assert 90 < found["stacks"].score < 100
    assert found["stacks"].reason.startswith("memory: only stacks and the memory")
    assert "parked.budget" in found["stacks"].reason
    assert found["notes"].score == 40
    assert "no memory" in found["notes"].reason


def test_the_parts_add_up_and_say_what_would_raise_them() -> None:
    found = score_quality([thread(frame(line=None))], [APP], truncated=True)

    assert sum(part.weight for part in found.parts) == 100
    lost = {part.name: part for part in found.parts if part.value < 1}
    assert lost.keys() == {"top frames", "crashed thread", "memory"}
    assert "Build app with -g" in lost["top frames"].remedy
    assert "ulimit -c" in lost["memory"].remedy


def test_what_a_vendor_built_is_to_be_installed() -> None:
    library = msgspec.structs.replace(
        APP, path="/usr/lib/x86_64-linux-gnu/libz.so.1", build_id="abcd"
    )
    bare = msgspec.structs.replace(frame(line=None), module=library.path)

    top = score_quality([thread(bare)], [library], truncated=False).parts[0]

    assert "libz.so.1 (build-id abcd)" in top.remedy
    assert "-dbgsym" in top.remedy


def test_a_start_up_file_without_debug_information_needs_no_remedy() -> None:
    built = msgspec.structs.replace(APP, symbols="dwarf")
    found = score_quality([thread(frame(line=None))], [built], truncated=False)
    assert found.parts[0].value < 1
    assert found.parts[0].remedy == ""


def test_a_file_that_is_not_here_is_to_be_named() -> None:
    absent = msgspec.structs.replace(APP, file=None)
    top = score_quality([thread(frame(line=None))], [absent], truncated=False).parts[0]
    assert "--sysroot" in top.remedy


@pytest.mark.parametrize("reason", ["quota", "budget", "policy", "physical-limit"])
def test_a_setting_that_kept_less_is_named(reason: str) -> None:
    thin = CaptureFacts("stacks", reason)
    parts = score_quality([thread(frame())], [APP], truncated=False, capture=thin).parts
    memory = next(part for part in parts if part.name == "memory")
    assert memory.remedy.endswith(".")
    assert record_quality(CaptureFacts("record", reason)).parts[0].remedy


def test_libraries_of_the_system_are_not_to_be_built_again() -> None:
    inside = msgspec.structs.replace(
        frame(Trust.CFI, 3, GONE), module="/usr/lib/x86_64-linux-gnu/libc.so.6"
    )
    variables = score_quality([thread(inside)], [APP], truncated=False).parts[-1]
    assert (variables.value, variables.remedy) == (0.0, "")


def test_variables_that_the_compiler_dropped_come_back_with_og() -> None:
    found = score_quality(
        [thread(frame(Trust.CFI, 3, GONE))], [APP], truncated=False
    ).parts[-1]
    assert (found.name, "-Og" in found.remedy) == ("variables", True)
