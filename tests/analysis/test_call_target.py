"""The names that calls of library functions were bound to."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.call_target import called_name
from coresnap.analysis.symbol_addresses import symbol_address
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import open_core

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

PROGRAM = """
#include <stdlib.h>
#include <string.h>
int counter = 7;
static volatile long none;
int main(void)
{
	char *volatile text = (char *)none;
	return (int)strlen(text) + counter;
}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "calls.c"
    path.write_text(PROGRAM)
    return path


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="other stubs"
)
@pytest.mark.parametrize(
    "flags",
    [
        ("-fpie", "-pie"),
        ("-fno-pie", "-no-pie"),
        ("-fpie", "-pie", "-Wl,-z,now"),
        ("-fpie", "-pie", "-fno-plt"),
        ("-fpie", "-pie", "-s"),
    ],
    ids=" ".join,
)
def test_a_call_leads_to_the_name_of_its_slot(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    source: Path,
    flags: tuple[str, ...],
) -> None:
    program = compile_program(source, "-O0", "-fno-builtin", *flags)
    with open_core(kernel_core([program])) as core:
        stack = Unwinder(core).unwind(core.threads[0].registers)
        assert called_name(core, stack.frames[1].pc) == "strlen"
        assert called_name(core, stack.frames[1].pc + 1) is None
        assert called_name(core, 0x10) is None


def test_a_symbol_is_found_by_its_name_alone(
    compile_program: CompileProgram, kernel_core: KernelCore, source: Path
) -> None:
    program = compile_program(source, "-O0", "-fno-builtin")
    with open_core(kernel_core([program])) as core:
        executable = core.executable
        assert executable is not None
        address = symbol_address(executable, "counter", core.memory)
        assert address is not None
        assert core.memory.read(address, 4) == b"\7\0\0\0"
        for name in ("ounter", "strlen", "no such name", ""):
            assert symbol_address(executable, name, core.memory) is None


def test_a_thread_local_name_is_no_address(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("gives_up.c", "-w")
    with open_core(kernel_core([program, "abort"])) as core:
        (libc,) = [m for m in core.modules if "libc.so" in m.path]
        assert symbol_address(libc, "__abort_msg", core.memory) is not None
        assert symbol_address(libc, "errno", core.memory) is None
