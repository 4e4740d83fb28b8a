from __future__ import annotations

import pytest

from conftest import Corpus
from coresnap.analysis.thread_local import THREAD_POINTERS
from coresnap.elfcore.corefile import open_core

pytestmark = pytest.mark.corpus


@pytest.mark.parametrize(
    "name",
    ["linux/elfutils/testfile_i686_core", "linux/elfutils/backtrace.i386.core"],
)
def test_the_thread_pointer_of_i386_leads_to_the_control_block(
    corpus: Corpus, name: str
) -> None:
    with open_core(corpus.path(name)) as core:
        number = core.architecture.numbers[THREAD_POINTERS[core.architecture.name]]
        pointer = core.threads[0].registers[number]
        # The control block begins with its own address.
        assert core.memory.read_word(pointer) == pointer


@pytest.mark.parametrize(
    "name",
    ["linux/elfutils/testfile_aarch64_core", "linux/elfutils/backtrace.aarch64.core"],
)
def test_the_thread_pointer_of_aarch64_leads_to_a_vector(
    corpus: Corpus, name: str
) -> None:
    with open_core(corpus.path(name)) as core:
        number = core.architecture.numbers[THREAD_POINTERS[core.architecture.name]]
        for thread in core.threads:
            vector = core.memory.read_word(thread.registers[number])
            # How many blocks the vector has room for stands before it.
            assert 0 < core.memory.read_word(vector - 16) < 10_000
