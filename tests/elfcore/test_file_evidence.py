"""What real linkers and loaders leave in memory proves which file it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.dynamic_section import dynamic_of_file, find_dynamic
from coresnap.elfcore.file_evidence import is_mapped_file

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler]


@pytest.fixture
def core(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> Iterator[CoreFile]:
    program = compile_program("deep.c", "-O1", "-g", libraries=["-pthread", "-lm"])
    with open_core(kernel_core([program, "3", "5"])) as opened:
        opened.memory.use_files([])  # what the core itself holds
        yield opened


def test_each_file_is_the_one_that_was_mapped_and_no_other(core: CoreFile) -> None:
    """glibc has added the load bias to addresses in the dynamic section."""
    modules = [m for m in core.modules if m.elf is not None and m.file is not None]
    assert len(modules) > 2
    for module in modules:
        right = [
            other.path
            for other in modules
            if other.elf is not None
            and is_mapped_file(other.elf, module.load_bias, core.memory)
        ]
        assert right == [module.path]


def test_the_dynamic_section_is_found_without_headers(core: CoreFile) -> None:
    modules = [m for m in core.modules if m.elf is not None and m.file is not None]
    for module in modules:
        assert module.elf is not None
        expected = dynamic_of_file(module.elf)
        found = find_dynamic(core.memory, module.start, module.end)
        assert expected is not None
        assert found is not None
        assert found.address == module.load_bias + expected.address
        assert [t for t, _ in found.entries] == [t for t, _ in expected.entries]
