"""The fixtures themselves: a real crash leaves a real core."""

from __future__ import annotations

import pytest

from conftest import CompileProgram, Corpus, KernelCore
from kernel import CORE_PATTERN


@pytest.mark.core_pattern
@pytest.mark.compiler
def test_kernel_writes_a_core_and_the_pattern_is_given_back(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    before = CORE_PATTERN.read_text()
    program = compile_program("simple.c", "-O0", "-g", libraries=["-pthread"])
    core = kernel_core([program])
    assert core.read_bytes()[:4] == b"\x7fELF"
    assert before == CORE_PATTERN.read_text()


@pytest.mark.core_pattern
def test_a_program_that_does_not_crash_is_reported(kernel_core: KernelCore) -> None:
    with pytest.raises(AssertionError, match="left no core"):
        kernel_core(["/bin/true"])


@pytest.mark.corpus
def test_a_corpus_core_is_decompressed_once(corpus: Corpus) -> None:
    first = corpus.path("linux/lldb/linux-i386.core")
    assert first.read_bytes()[:4] == b"\x7fELF"
    assert corpus.path("linux/lldb/linux-i386.core") == first
