"""Which variable the register of a failed access was, or was loaded from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from classify.cases import access, case

import coresnap
from coresnap.analysis.aliases.operands import Operand, operand_marks, operands
from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Snapshot, Variable
from coresnap.model import VariableKind as Kind


def test_registers_of_the_address_and_not_the_stack_pointer() -> None:
    registers = {"rax": 0x1234, "rsp": 0x5678}
    crash = case(address=0x1234, instruction=access("rax"), registers=registers)
    assert operands(crash) == [Operand("rax", 0x1234)]
    crash = case(address=0x5678, instruction=access("rsp"), registers=registers)
    assert operands(crash) == []


def test_without_an_instruction_the_address_that_the_kernel_named() -> None:
    assert operands(case(address=0x1234)) == (Operand("address", 0x1234),)
    assert operands(case(11, 0, 0x1234)) == ()
    assert operands(case(6, -6, None)) == ()


def test_a_variable_in_the_register_only_if_it_has_its_value() -> None:
    same = Variable("p", "char *", Kind.LOCAL, value=8, location="rax")
    older = Variable("q", "char *", Kind.LOCAL, value=9, location="rax")
    crash = case(address=8, instruction=access("rax"), variables=(same, older))
    found = operand_marks(crash, [Operand("rax", 8)], ())
    assert set(found) == {id(same)}
    assert found[id(same)][0].message == "it is the faulting rax"


def test_the_member_and_not_the_structure_that_begins_with_it() -> None:
    member = Variable("next", "node *", Kind.MEMBER, value=0, address=0x1000)
    whole = Variable(
        "node", "struct node", Kind.GLOBAL, members=(member,), address=0x1000
    )
    found = operand_marks(case(), [Operand("rax", 0, 0x1000)], (whole,))
    assert set(found) == {id(member)}
    assert found[id(member)][0].message == "the faulting rax was loaded from it"


def marked(snapshot: Snapshot) -> dict[str, str]:
    variables = [v for f in snapshot.threads[0].frames for v in f.variables]
    return {
        path: " ".join(one.message for one in value.annotations)
        for path, value in variable_paths([*variables, *snapshot.globals])
        if value.annotations
    }


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("way", ["local", "member", "global"])
def test_the_null_pointer_is_found_where_it_was(
    level: str,
    way: str,
    compile_program: Callable[..., Path],
    kernel_core: Callable[..., Path],
) -> None:
    program = compile_program("null_pointers.c", level, "-g")
    snapshot = coresnap.analyze(kernel_core([program, way]))
    found = marked(snapshot)
    expected = {"local": "pointer", "member": "list->next", "global": "nowhere"}[way]
    if level == "-O2" and way == "local":
        # The compiler may have put the function into its caller.
        expected = "nowhere" if "nowhere" in found else "pointer"
    assert "the faulting" in found[expected]
    loaded = {name for name, text in found.items() if "was loaded from it" in text}
    # The same member may be seen through several variables.
    assert loaded <= {expected, "first->next"}
    if way == "member":
        assert "which the faulting rax was loaded from" in found["list"]
        assert snapshot.blocks[0].state == "live"
