"""Lines of instructions: the same as each interpreter gives for its own library."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.interpreters.cpython.line_tables import line_at
from pythons import OLDEST, Python, pythons

_TELL = r"""
import dis, glob, json, os, sys, types

def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)

def lines(code):
    if hasattr(code, "co_lines"):
        return [[start, end, line] for start, end, line in code.co_lines()]
    starts = list(dis.findlinestarts(code)) + [(len(code.co_code), None)]
    return [[a, b, line] for (a, line), (b, _) in zip(starts, starts[1:])]

library = os.path.dirname(os.__file__)
paths = filter(os.path.exists, glob.glob(library + "/*.py"))
for path in sorted(paths)[::20]:
    with open(path, "rb") as source:
        text = source.read()
    for code in codes(compile(text, path, "exec")):
        table = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
        print(json.dumps([code.co_firstlineno, table.hex(), lines(code)]))
"""


@pytest.mark.skipif(not pythons(), reason="no CPython from 3.9 on is installed")
@pytest.mark.parametrize("python", pythons(), ids=str)
def test_every_instruction_of_the_library_has_its_line(python: Python) -> None:
    version = python.version[:2]
    told = subprocess.run(
        [*python.command, "-W", "ignore", "-c", _TELL], capture_output=True, check=True
    )
    compared = 0
    for text in told.stdout.splitlines():
        first, table, ranges = json.loads(text)
        for start, end, line in ranges:
            if start < end:
                for offset in {start, end - 2}:
                    found = line_at(bytes.fromhex(table), first, offset, version)
                    assert found == line
                    compared += 1
    assert compared > 1_000


@given(
    st.binary(max_size=200),
    st.integers(-2, 400),
    st.sampled_from([OLDEST, (3, 10), (3, 11), (3, 14)]),
)
def test_a_damaged_table_gives_some_line_or_none(
    table: bytes, offset: int, version: tuple[int, int]
) -> None:
    line = line_at(table, 10, offset, version)
    assert line is None or isinstance(line, int)


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 11)])
def test_before_the_first_instruction_is_the_functions_own_line(
    version: tuple[int, int],
) -> None:
    assert line_at(b"", 7, -2, version) == 7
