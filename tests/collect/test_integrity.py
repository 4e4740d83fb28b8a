"""The core that is had back is, byte by byte, the one that the kernel would write.

First against the very bytes that the kernel sent, of any program: a handler gives the
same pipe to coresnap-catch and to a file. Then against the kernel's own file, of a
program that is the same twice.
"""

from __future__ import annotations

import filecmp
import os
import platform
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import catcher as catching
from catcher import Catcher
from conftest import CompileProgram
from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Event, Journal
from coresnap.collect.seekable import MAGIC
from coresnap.collect.spool import Spool
from coresnap.collect.stored_core import open_stored, write_pieces
from coresnap.config import load_config
from coresnap.daemon.compressor import Compressor
from coresnap.daemon.job import analyse_core
from coresnap.daemon.stages import Pipeline
from coresnap.elfcore.corefile import open_core
from kernel import core_pattern, kernel_core, run_unlimited

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


@pytest.fixture(scope="module")
def helper() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        yield catching.build(Path(directory) / "catch", "-O2")


@pytest.fixture
def catcher(helper: Path) -> Iterator[Catcher]:
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(helper, Path(directory)) as found,
    ):
        yield found


def catch_with_copy(
    catcher: Catcher, program: Path, *, prefix: str = ""
) -> tuple[catching.Caught, Path]:
    """Return what was archived of a crash, and what the kernel sent.

    ``prefix`` stands before the helper's command.
    """
    copy = catcher.directory / "copy"
    script = catcher.directory / "both"
    # conv=sparse: the copy of four gibibytes of zeros takes no room.
    script.write_text(
        "#!/bin/bash\nPATH=/usr/bin:/bin\n"
        f"tee -p >(dd bs=64K iflag=fullblock conv=sparse status=none of={copy}.part "
        f"&& mv {copy}.part {copy}) | "
        f'{prefix} {catcher.program} -c {catcher.settings_file} "$@"\nwait\n'
    )
    script.chmod(0o755)
    pattern = f"|{script} {catching.SPECIFIERS}"
    with core_pattern(pattern, pipe_limit=16):
        run_unlimited([program])
        message = catcher.wait(timeout=60)
        deadline = time.monotonic() + 60
        while not copy.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return catcher.read(message.split()[0]), copy


def compress(catcher: Catcher, archive_id: str) -> None:
    """Do as the daemon does with a core that stays after its analysis."""
    root = catcher.directory
    (root / "conf.daemon").touch()
    (root / "spool" / "sending").mkdir(exist_ok=True)
    config = attrs.evolve(
        load_config(root / "conf.daemon"), root=root, dump_quota=0, compress="zstd"
    )
    with (
        Spool(catcher.spool) as spool,
        Journal(root / "journal.sqlite") as journal,
    ):
        pipeline = Pipeline(
            config, spool, journal, FakeBackend(), analyse_core, lambda *_, **__: None
        )
        journal.record(archive_id, Event.ARRIVED)
        journal.record(archive_id, Event.GAVE_UP)
        compressor = Compressor(pipeline)
        compressor.turn(may_start=True)
        while compressor.is_busy:
            time.sleep(0.01)
            compressor.turn(may_start=False)


def restore(core: Path, target: Path) -> Path:
    """Have a core back as ``coresnap core extract`` does."""
    with core.open("rb") as stream, target.open("wb") as output:
        write_pieces(open_stored(stream.fileno()), output.fileno(), lambda done: None)
    return target


@pytest.mark.parametrize(
    "source",
    ["workers.c", "many_threads.c", "memory_kinds.c", "large_hole.c", "zeros.c"],
)
def test_what_comes_back_is_what_the_kernel_sent(
    catcher: Catcher, compile_program: CompileProgram, source: str
) -> None:
    program = compile_program(source, "-O0", "-pthread")

    caught, sent = catch_with_copy(catcher, program)

    assert (caught.capture["rung"], caught.capture["way"]) == ("full", "memory")
    assert filecmp.cmp(caught.core, sent, shallow=False)
    taken = caught.core.stat().st_blocks
    restored = restore(caught.core, catcher.directory / "restored")
    assert filecmp.cmp(restored, sent, shallow=False)
    assert restored.stat().st_blocks <= taken

    compress(catcher, caught.id)

    assert caught.core.read_bytes()[:4] == MAGIC
    assert caught.core.stat().st_blocks < taken
    restored = restore(caught.core, catcher.directory / "restored")
    assert filecmp.cmp(restored, sent, shallow=False)
    assert restored.stat().st_blocks <= taken


def test_what_came_through_the_pipe_is_what_the_kernel_sent(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("workers.c", "-O0", "-pthread")

    # Who lacks a capability that the process has may not look into its memory.
    blind = "setpriv --bounding-set -sys_ptrace"
    caught, sent = catch_with_copy(catcher, program, prefix=blind)

    assert (caught.capture["rung"], caught.capture["way"]) == ("full", "pipe")
    assert filecmp.cmp(caught.core, sent, shallow=False)


# --- against a file of the kernel's -----------------------------------------------

NOTE_DIFFERENCES = {
    # struct elf_prstatus: pr_pid to pr_sid, and four struct timeval.
    1: [(32, 112)],
    # struct elf_prpsinfo: pr_pid to pr_sid.
    3: [(24, 40)],
}
"""What the kernel writes of a process that no two have in common (include/linux/
elfcore.h, x86-64), by type of the note in namespace CORE."""
NT_X86_XSTATE = 0x202
XSTATE_BV = (512, 520)
"""Which vector state is in use, in the XSAVE area. The processor may say so of state
that nobody has touched (Intel SDM 13.6), and does in one run of several."""
AT_RANDOM = 25


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is x86-64")
def test_the_stored_core_is_the_file_that_the_kernel_would_have_written(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    flags = ["-O1", "-nostdlib", "-static", "-no-pie", "-fno-stack-protector"]
    program = compile_program("deterministic.c", *flags)
    command: list[str | Path] = ["setarch", "-R", program]

    by_kernel = kernel_core(command, tmp_path, env={})
    with catcher.registered():
        # From the same directory: a shell tells its children where it is.
        run_unlimited(command, cwd=tmp_path, env={})
        message = catcher.wait()
    caught = catcher.read(message.split()[0])
    stored = restore(caught.core, tmp_path / "stored")

    differences = list(differing_ranges(by_kernel, stored))
    allowed = sorted(accounted_for(by_kernel))
    assert caught.capture["rung"] == "full"
    assert stored.stat().st_size == by_kernel.stat().st_size
    assert stored.stat().st_blocks <= by_kernel.stat().st_blocks
    for start, end in differences:
        assert any(low <= start and end <= high for low, high in allowed), (
            hex(start),
            hex(end),
        )
    # A test that finds no difference at all has compared a file with itself.
    assert differences


def differing_ranges(one: Path, other: Path) -> Iterator[tuple[int, int]]:
    with one.open("rb") as left, other.open("rb") as right:
        offset = 0
        while (a := left.read(1 << 20)) and (b := right.read(1 << 20)):
            if a != b:
                for at in range(len(a)):
                    if a[at] != b[at]:
                        yield offset + at, offset + at + 1
            offset += len(a)


def accounted_for(core: Path) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the file that no two processes have in common."""
    with open_core(core) as found:
        for note in found.notes:
            for low, high in NOTE_DIFFERENCES.get(note.type, []):
                if note.name == b"CORE":
                    yield note.offset + low, note.offset + high
            if (note.name, note.type) == (b"LINUX", NT_X86_XSTATE):
                yield note.offset + XSTATE_BV[0], note.offset + XSTATE_BV[1]
        address = found.auxv[AT_RANDOM]
        offset = file_offset(core, address)
        yield offset, offset + 16


def file_offset(core: Path, address: int) -> int:
    """Find an address in a core, by its program headers alone."""
    with core.open("rb") as stream:
        head = stream.read(64)
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        stream.seek(table)
        for _ in range(count):
            header = stream.read(size)
            kind, _, offset, start, _, stored = struct.unpack_from("<IIQQQQ", header)
            if kind == 1 and start <= address < start + stored:
                return int(offset + address - start)
    raise AssertionError(f"{address:#x} is not in {os.fspath(core)}")
