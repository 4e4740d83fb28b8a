"""Processes by the structures that a real kernel recorded, against procstat's facts."""

from __future__ import annotations

import attrs
import pytest

from conftest import Corpus
from coresnap.backends.freebsd_process import describe, read_process
from coresnap.backends.freebsd_sysctl import ProcessFact
from coresnap.errors import CaptureError, MissingError
from freebsd_cases import expected
from freebsd_kernel import RecordedKernel, recorded_kernel

pytestmark = pytest.mark.corpus

CASES = ("segv_null", "threads", "fds", "cxx", "static_segv")


def buried(corpus: Corpus, case: str) -> tuple[RecordedKernel, int]:
    kernel = recorded_kernel(corpus.root)
    core = corpus.path(f"freebsd/{expected(case)['core']}")
    return kernel, kernel.bury(core)


@pytest.mark.parametrize("case", CASES)
def test_a_process_is_what_procstat_said_of_it(corpus: Corpus, case: str) -> None:
    kernel, pid = buried(corpus, case)
    told = expected(case)

    process = describe(kernel, pid)

    assert process.pid == told["pid"]
    assert process.command == told["comm"]
    assert " ".join(process.arguments) == told["args"]
    assert process.executable == str(told["args"]).split(" ")[0]
    assert (process.uid, process.gid) == (0, 0)
    assert process.core_limit is None
    # The corpus was made on 2026-11-22.
    assert 1795300000 < process.started // 10**9 < 1795500000


def test_flags_say_what_keeps_a_core_from_being_written(corpus: Corpus) -> None:
    kernel, pid = buried(corpus, "segv_null")

    process = read_process(kernel, pid)

    assert process.jid == 0
    assert not process.has_changed_ids
    assert not process.is_traceless
    assert not process.is_in_capability_mode


def test_a_process_that_is_not_there_is_missing(corpus: Corpus) -> None:
    with pytest.raises(MissingError, match="99"):
        describe(recorded_kernel(corpus.root), 99)


@pytest.mark.parametrize("size", [0, 3, 4, 500, 1087])
def test_an_answer_that_is_cut_is_an_error(corpus: Corpus, size: int) -> None:
    kernel, pid = buried(corpus, "segv_null")
    key = ProcessFact.PROCESS, pid
    kernel.facts[key] = kernel.facts[key][:size]

    with pytest.raises((CaptureError, MissingError)):
        read_process(kernel, pid)


def test_what_the_kernel_keeps_to_itself_is_not_known(corpus: Corpus) -> None:
    kernel, pid = buried(corpus, "segv_null")
    del kernel.facts[ProcessFact.PATH, pid]
    del kernel.facts[ProcessFact.ARGUMENTS, pid]

    process = describe(kernel, pid)

    assert process == attrs.evolve(process, executable=None, arguments=())


def test_the_same_structure_of_32_bits_is_read(corpus: Corpus) -> None:
    # The offsets of i386 against the record that an amd64 kernel wrote for its core.
    core = corpus.path(f"freebsd/{expected('i386')['core']}")
    data = core.read_bytes()
    at = data.index((768).to_bytes(4, "little") * 2) + 4
    kernel = recorded_kernel(corpus.root)
    kernel.facts[ProcessFact.PROCESS, 482] = data[at : at + 768]

    process = read_process(kernel, 482)

    assert (process.command, process.uid, process.gid) == ("crash32", 0, 0)
    assert 1795300000 < process.started // 10**9 < 1795500000
