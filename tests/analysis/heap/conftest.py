"""Programs that print what they do to their blocks, and what they leave."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CompileProgram
from coresnap.elfcore.corefile import open_core
from heap.preloaded import Library, MakeMistake, Mistake
from heap.truth import crash


@pytest.fixture
def block_truth(compile_program: CompileProgram) -> Path:
    """Has blocks of all sizes in threads, and prints them: ``heap.truth`` reads it."""
    return compile_program("block_truth.c", "-O1", "-g", "-pthread")


@pytest.fixture
def block_mistakes(compile_program: CompileProgram) -> Path:
    """Makes the mistake that it is told to, and prints its two blocks' addresses."""
    return compile_program("block_mistakes.c", "-O0", "-g")


@pytest.fixture
def make_mistake(block_mistakes: Path, core_directory: Path) -> Iterator[MakeMistake]:
    """Run ``block_mistakes`` with a library; its core is closed after the test."""
    with contextlib.ExitStack() as opened:

        def make_mistake(library: Library, kind: str) -> Mistake:
            path, printed = crash(
                [block_mistakes, kind], core_directory, library.environment
            )
            core = opened.enter_context(open_core(path))
            block, other = (int(word, 16) for word in printed.split())
            return Mistake(core, library.heap(core), block, other)

        yield make_mistake
