"""What is fuzzed of the Python half: a function of bytes for each format.

An error of coresnap's tree is an answer. Anything else that is raised is a find.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reading import read_damaged

from coresnap.analysis.debuginfo.dwarf import open_debug_file
from coresnap.analysis.debuginfo.libdw_file import unavailable
from coresnap.analysis.expression.evaluate import evaluate
from coresnap.analysis.expression.locations import ExpressionContext
from coresnap.analysis.expression.operations import decode
from coresnap.analysis.given_attributes import Given, from_environment, with_given
from coresnap.analysis.unwind.call_site import call_before, call_targets
from coresnap.analysis.unwind.cfi import CallFrameSection
from coresnap.analysis.unwind.exidx import ExceptionIndex, compile_entry
from coresnap.analysis.unwind.frame_chain import follow_chain
from coresnap.analysis.unwind.pointer_encoding import PointerReader
from coresnap.analysis.unwind.prologue.reader import compile_layout, layout_at
from coresnap.analysis.unwind.rules import row_at
from coresnap.analysis.unwind.trampoline import trampoline_at
from coresnap.backends.crash_record import decode as decode_crash
from coresnap.collect.admission import read_admission
from coresnap.collect.assets import read_assets
from coresnap.collect.importers.apport import read_report
from coresnap.collect.importers.journal_entry import read_crashes
from coresnap.collect.importers.source_file import SourceFile
from coresnap.collect.seekable import SeekableReader
from coresnap.config.interpret import interpret
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.elffile import open_elf
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import ARCHITECTURES
from coresnap.elfcore.vmcore import open_vmcore
from coresnap.errors import CoresnapError
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot
from coresnap.snapshot.json_form import to_bytes
from coresnap.snapshot.text import render

__all__ = ["PYTHON_TARGETS", "run_target"]

_READ = 4096
ADMISSION_SIZE = 667648
"""Bytes of a table (docs/formats.md)."""
_BARE = Snapshot(
    system="Linux",
    architecture="x86-64",
    pid=7,
    command="prog",
    arguments="",
    signal=None,
)


@contextmanager
def _named_file(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        path = Path(directory, "input")
        path.write_bytes(data)
        yield path


@contextmanager
def _source(data: bytes) -> Iterator[SourceFile]:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        yield SourceFile(Path("input"), file.fileno(), os.fstat(file.fileno()))


def _core(data: bytes) -> None:
    with _named_file(data) as path, open_core(path, sysroot=path) as core:
        for mapping in core.mappings[:8]:
            with suppress(CoresnapError):
                core.memory.read(mapping.start, 16)


def _vmcore(data: bytes) -> None:
    with _named_file(data) as path, open_vmcore(path) as dump:
        memory = dump.memory
        for base in (0, 0xC000_0000, 0xFFFF_0000_0000_0000, 0xFFFF_FE00_0000_0000):
            if memory is not None:
                memory.read_some(base, _READ)
                memory.read_physical_some(base & 0xFFFF_FFFF, _READ)


def _elf(data: bytes) -> None:
    with _named_file(data) as path:
        elf = open_elf(path)
        try:
            _ = elf.build_id, elf.program_headers, elf.debug_link
            for entries in elf.symbol_entries():
                bytes(entries.strings[:_READ])
            for section in elf.sections:
                with suppress(CoresnapError):
                    elf.section_data(section)
        finally:
            elf.release()


def _snapshot(data: bytes) -> None:
    with _named_file(data) as path:
        snapshot = read_snapshot(path)
    to_bytes(snapshot)
    render(snapshot)


def _assets(data: bytes) -> None:
    with _source(data) as source:
        read_assets(source.fd)


def _admission(data: bytes) -> None:
    with _named_file(data) as path:
        # A table is sparse: what the input does not reach is zero.
        os.truncate(path, ADMISSION_SIZE)
        read_admission(path)


def _config(data: bytes) -> None:
    interpret(data.decode("utf-8", "replace"))


def _expression(data: bytes) -> None:
    evaluate(decode(data, 8, "little"), ExpressionContext(), (0x1000,))


def _cfi(data: bytes) -> None:
    reader = PointerReader(data, 0x1000, 8, "little")
    for debug in (False, True):
        section = CallFrameSection(reader, 0, len(data), debug=debug)
        for start, end, position in section.index[:8]:
            with suppress(CoresnapError):
                row_at(section.fde_at(position), (start + end) // 2, reader)


_CODE = 0x10000
_STACK = 0x80000000
_BLOCK = 256


def _unwind(data: bytes) -> None:
    """The first byte chooses a machine; the rest is a stack, then code, by turns."""
    arch = ARCHITECTURES[data[0] % len(ARCHITECTURES)] if data else ARCHITECTURES[0]
    stack, code = data[1 : 1 + _BLOCK], data[1 + _BLOCK :]
    loads = [
        ProgramHeader(1, 5, 0, _CODE, len(code), len(code), 4096),
        ProgramHeader(1, 6, len(code), _STACK, len(stack), len(stack), 4096),
    ]
    memory = Memory(memoryview(code + stack), loads, arch.pointer_size, arch.byte_order)
    registers = {number: _STACK for number in arch.general_registers}
    for lookup in range(_CODE, _CODE + min(len(code), 64)):
        layout = layout_at(arch, memory, _CODE, lookup, alone=bool(lookup % 2))
        if layout is not None:
            with suppress(CoresnapError):
                compile_layout(layout, arch, memory, arch.code_mask)(registers, True)
    list(call_targets(_CODE, len(code), arch, memory))
    for word in range(0, len(stack) - 8, 8):
        call_before(_STACK + word, arch, memory)
    follow_chain(registers, arch, memory, lambda value: bool(value % 2))
    trampoline = trampoline_at(_CODE, arch, memory, arch.code_mask)
    if trampoline is not None:
        with suppress(CoresnapError):
            trampoline(registers, True)


def _exidx(data: bytes) -> None:
    load = ProgramHeader(1, 5, 0, _CODE, len(data), len(data), 4096)
    memory = Memory(memoryview(data), [load], 4, "little")
    registers = {number: _CODE for number in range(16)}
    with suppress(CoresnapError):
        compile_entry(data[:1024], memory, 0xFFFFFFFE)(registers, True)
    index = ExceptionIndex(memory, _CODE, len(data) // 8)
    for address in range(_CODE, _CODE + 64, 7):
        with suppress(CoresnapError):
            entry = index.find(address)
            if entry is not None:
                compile_entry(entry, memory, 0xFFFFFFFE)(registers, False)


def _debuginfo(data: bytes) -> None:
    if unavailable():
        return
    with _named_file(data) as path:
        open_debug_file(path).close()


def _annotations(data: bytes) -> None:
    given = [Given("command", "command", data), *from_environment(data, ["A*", "B"])]
    with_given(_BARE, given, None)


def _seekable(data: bytes) -> None:
    with _source(data) as source:
        reader = SeekableReader(source.fd)
        reader.facts()
        reader.read(0, _READ)
        reader.read(max(reader.size - _READ, 0), _READ)


def _apport(data: bytes) -> None:
    with _source(data) as source:
        read_report(source, ["LANG"])


def _journal(data: bytes) -> None:
    with _source(data) as source:
        list(read_crashes(source, ["LANG"]))


def _crash(data: bytes) -> None:
    decode_crash(data)


PYTHON_TARGETS: dict[str, Callable[[bytes], None]] = {
    "core": _core,
    "vmcore": _vmcore,
    "elf": _elf,
    "snapshot": _snapshot,
    "assets": _assets,
    "crash": _crash,
    "admission": _admission,
    "config": _config,
    "expression": _expression,
    "cfi": _cfi,
    "unwind": _unwind,
    "exidx": _exidx,
    "debuginfo": _debuginfo,
    "annotations": _annotations,
    "seekable": _seekable,
    "apport": _apport,
    "journal": _journal,
    "reading": read_damaged,
}


def run_target(name: str, data: bytes) -> None:
    """Give ``data`` to a target; what it raises is a find."""
    with suppress(CoresnapError):
        PYTHON_TARGETS[name](data)
