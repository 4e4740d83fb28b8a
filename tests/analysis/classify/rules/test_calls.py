"""Calls that break the C library's contracts."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.contracts import contract_of, parse_contracts
from coresnap.analysis.classify.rules.calls import (
    RULES,
    BrokenArguments,
    PassedBadMemory,
)
from coresnap.analysis.classify.verdict import judge
from coresnap.model import Frame, Thread, Trust, UnwindEnd, Variable, VariableKind

from ..cases import access, case, concluded

LIBC = "/usr/lib/libc.so.6"


def frame(function: str, *arguments: int, **fields: bool) -> Frame:
    variables = tuple(
        Variable(f"a{index}", "void *", VariableKind.ARGUMENT, value=value)
        for index, value in enumerate(arguments)
    )
    program = function in ("main", "serve")
    return Frame(
        0x401000,
        Trust.CFI,
        function=function,
        module="/usr/bin/victim" if program else LIBC,
        variables=variables,
        signal_frame=fields.get("signal_frame", False),
    )


def stack(*frames: Frame, address: int | None = 0x1234_5000, kind: str = "") -> Case:
    thread = Thread(1, True, UnwindEnd.OUTERMOST, frames=frames)
    number, code = (11, 1) if address is not None else (6, -6)
    instruction = access("rdi", kind, address) if kind else None
    return case(number, code, address, threads=(thread,), instruction=instruction)


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("__strlen_evex", "read", "passed strlen memory as s that cannot be read"),
        ("__memcpy_avx_unaligned_erms", "write", "passed memcpy memory as dst that"),
        ("__memcpy_avx_unaligned_erms", "read", "passed memcpy memory as src that"),
        ("strcmp", "read", "passed strcmp memory that cannot be read"),
        ("strcpy", "", "passed strcpy memory that cannot be used"),
    ],
)
def test_a_fault_within_a_string_function_is_its_callers(
    function: str, kind: str, words: str
) -> None:
    crash = stack(frame(function), frame("serve"), frame("main"), kind=kind)
    (found,) = judge(crash, (PassedBadMemory(),)).classifiers
    assert (found.name, found.confidence) == ("call-contract", "strong")
    assert words in found.summary
    assert found.summary.endswith("in serve")
    assert found.frame == 1


def test_null_is_called_null_and_the_function_in_between_is_named() -> None:
    crash = stack(
        frame("strlen"), frame("vfprintf"), frame("printf"), frame("main"), address=0
    )
    (found,) = judge(crash, (PassedBadMemory(),)).classifiers
    assert found.summary == "passed strlen a null pointer as s, through printf in main"


def test_a_null_stream_is_probable() -> None:
    crash = stack(frame("_IO_new_fclose"), frame("main"), address=0x88)
    assert concluded(crash, PassedBadMemory()) == {"call-contract": "probable"}
    other = stack(frame("_IO_new_fclose"), frame("main"), address=0x7777_0000)
    assert concluded(other, PassedBadMemory()) == {}


def test_functions_without_a_contract_have_no_verdict() -> None:
    assert concluded(stack(frame("_int_free"), frame("main")), *RULES) == {}
    assert concluded(stack(frame("serve"), frame("main")), *RULES) == {}
    assert concluded(stack(frame("strlen"), address=None), *RULES) == {}


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        ("memcpy", (0x5000_0000, 0x5000_1000, 64), None),
        ("memcpy", (0x5000_0000, 0x5000_0010, 64), "the ranges overlap"),
        ("memmove", (0x5000_0000, 0x5000_0010, 64), None),
        ("memset", (0x400000, 0, 16), "0x400000 is mapped r-x"),
        ("memset", (0x400000, 0, 0), None),
        ("memset", (0x5002_0FF0, 0, 64), "nothing is mapped at 0x50021000"),
        ("memset", (0x5000_0000, 0, (1 << 64) - 1), "a negative number"),
        ("strlen", (0x10,), "nothing is mapped at 0x10"),
        ("fclose", (0,), "the stream is null"),
        ("fclose", (0x5000_0000,), None),
        ("memcpy", (0x5000_0000,), None),
    ],
)
def test_arguments_are_held_against_the_contract(
    function: str, arguments: tuple[int, ...], problem: str | None
) -> None:
    crash = stack(frame(function, *arguments), frame("main"), address=None)
    found = judge(crash, (BrokenArguments(),)).classifiers
    assert [c.confidence for c in found] == (["probable"] if problem else [])
    assert not problem or problem in found[0].summary


def test_the_list_knows_the_librarys_other_names() -> None:
    for name in (
        "memcpy",
        "__memcpy_ssse3",
        "__GI_memcpy",
        "__memcpy_avx512_unaligned",
    ):
        contract = contract_of(name)
        assert contract is not None
        assert contract.function == "memcpy"
    assert contract_of("memory_pool_get") is None
    assert contract_of(None) is None


@pytest.mark.parametrize("line", ["f a ; writes a", "f a ; write b", "f a ; write"])
def test_a_line_that_is_no_contract_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_contracts(f"# a comment\n{line}\n")
