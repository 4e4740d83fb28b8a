"""Frames and variables of other people's cores, of machines that are not this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Corpus
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Frame

pytestmark = [pytest.mark.corpus, pytest.mark.libdw]


def crashed_frames(core: Path, executable: Path) -> tuple[Frame, ...]:
    with open_core(core, executable=executable) as opened:
        stack = Unwinder(opened).unwind(opened.threads[0].registers)
        with FrameBuilder(opened) as builder:
            return builder.frames(stack)


@pytest.mark.parametrize("machine", ["x86_64", "i386", "aarch64", "s390x"])
def test_lldbs_cores_have_the_frames_and_the_local_that_lldb_tests(
    corpus: Corpus, machine: str
) -> None:
    name = f"linux/lldb/linux-{machine}"
    frames = crashed_frames(corpus.path(f"{name}.core"), corpus.path(f"{name}.out"))
    seen = [(frame.function, frame.line) for frame in frames]
    assert seen == [("bar", 4), ("foo", 10), ("_start", 16)]
    for frame in frames:
        local = next(v for v in frame.variables if v.name == "F")
        assert local.text == str(frame.function)[0]


def test_elfutils_chain_of_inlined_functions_is_whole(corpus: Corpus) -> None:
    name = "linux/elfutils/testfiledwarfinlines"
    frames = crashed_frames(corpus.path(f"{name}.core"), corpus.path(name))
    seen = [(frame.function, frame.line, frame.inline) for frame in frames[:6]]
    assert seen == [
        ("fubar", 6, True),
        ("foobar", 14, True),
        ("bar", 21, True),
        ("foo", 27, True),
        ("fu", 33, False),
        ("main", 39, False),
    ]
    assert frames[4].linkage_name == "_Z2fui"


@pytest.mark.parametrize("machine", ["aarch64", "arm", "i386", "ppc64le", "s390x"])
@pytest.mark.parametrize("level", ["O0", "O2"])
def test_the_crashing_function_of_every_machine_has_its_arguments(
    corpus: Corpus, machine: str, level: str
) -> None:
    name = f"linux/qemu-user-generated/{machine}-{level}-static"
    first = crashed_frames(corpus.path(f"{name}.core"), corpus.path(name))[0]
    assert first.function == "leaf"
    values = {variable.name: variable.value for variable in first.variables}
    assert values["n"] == 0
    assert isinstance(values["p"], int)
