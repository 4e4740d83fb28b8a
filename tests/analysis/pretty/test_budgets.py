"""Containers within the limits that hold for all values."""

from __future__ import annotations

from pathlib import Path

import pytest
from shown import crashed_in

from conftest import CompileProgram, KernelCore
from coresnap.analysis.values.limits import ValueLimits
from coresnap.model import Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


@pytest.fixture(scope="module")
def core(compile_program: CompileProgram, kernel_core: KernelCore) -> Path:
    program = compile_program("containers.cc", "-std=c++20", "-g", "-O0", "-pthread")
    return kernel_core([program, "sequences"])


def nodes(variable: Variable) -> int:
    """Everything below a variable, but not what pointers lead to."""
    return sum(1 + nodes(part) for part in variable.items + variable.members)


def depth(variable: Variable) -> int:
    below = map(depth, variable.items + variable.members)
    return 1 + max(below, default=0)


def test_no_more_elements_are_shown_than_of_an_array(core: Path) -> None:
    part = crashed_in(core, "sequences", ValueLimits(elements=2))
    for name in ("numbers", "words", "queue", "fixed", "forward", "ranked", "chain"):
        assert len(part[name].items) == 2, name
        assert part[name].truncated == (name not in ("ranked", "chain")), name
    assert part["numbers"].text == "std::vector of 3, capacity 8"


def test_elements_of_elements_count_against_the_variables_limit(core: Path) -> None:
    limits = ValueLimits(nodes_per_variable=7, nodes_raw=0)
    part = crashed_in(core, "sequences", limits)
    assert part["points"].truncated or nodes(part["points"]) <= 7
    assert part["thousand"].truncated
    assert len(part["thousand"].items) == 7
    assert all(nodes(variable) <= 7 for variable in part.values())


def test_the_raw_view_has_an_allowance_of_its_own(core: Path) -> None:
    part = crashed_in(core, "sequences", ValueLimits(nodes_raw=0))
    assert len(part["thousand"].items) == 100
    assert part["thousand"].members == ()
    whole = crashed_in(core, "sequences", ValueLimits(nodes_raw=1000))
    assert nodes(whole["thousand"]) > 105
    # What a container holds has no raw view of its own.
    assert all(word.members == () for word in whole["words"].items)


def test_nesting_ends_at_the_limit_of_depth(core: Path) -> None:
    part = crashed_in(core, "sequences", ValueLimits(depth=2))
    assert max(map(depth, part.values())) <= 4
    inner = part["nested"].items[0]
    assert inner.truncated or inner.items
