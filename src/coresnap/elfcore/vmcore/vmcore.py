"""Opens what a FreeBSD kernel left: minidump, full dump, text dump, or info.N alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from coresnap.elfcore.elffile import ElfFile, map_file, open_elf
from coresnap.elfcore.named_symbols import symbol_addresses
from coresnap.elfcore.vmcore import minidump
from coresnap.elfcore.vmcore.dump_header import (
    HEADER_SIZE,
    TEXT_MAGIC,
    DumpHeader,
    parse_dump_header,
)
from coresnap.elfcore.vmcore.dump_info import DumpInfo, looks_like_info, parse_info
from coresnap.elfcore.vmcore.full_dump import OSABI_STANDALONE, open_full_dump
from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.elfcore.vmcore.message_buffer import find_ring, read_ring, text_of
from coresnap.elfcore.vmcore.textdump import (
    in_order,
    looks_like_textdump,
    read_textdump,
)
from coresnap.errors import CoreFormatError, InputError, MissingError

__all__ = ["Vmcore", "is_vmcore", "open_vmcore"]

_HEAD = 512
_SYMBOLS = frozenset({"KPML4phys", "msgbufp"})
_NUMBERED = re.compile(r"(?:vmcore|textdump\.tar)\.([0-9]+|last)(?:\.(?:gz|zst))?$")
_ENCRYPTED = re.compile(r"vmcore_encrypted\.(?:[0-9]+|last)(?:\.(?:gz|zst))?$")
_DECRYPT = "Decrypt it first: decryptcore(8) needs key.N and the private key."


class Vmcore(msgspec.Struct, frozen=True, eq=False):
    """What a kernel dump says. Close it, or use it as a context manager."""

    path: Path
    kind: str
    """``minidump``, ``full``, ``textdump``, or ``info``: only what savecore wrote."""
    architecture: str
    """As ``Architecture.name``; empty where nothing says it."""
    version: int | None
    """Of a minidump's format."""
    info: DumpInfo
    """Of info.N or the dump's header; empty if neither is there."""
    message_buffer: str
    memory: KernelMemory | None = None
    """None for a text dump, for info.N alone, and where ``problems`` say why."""
    texts: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The files of a text dump, by name."""
    problems: tuple[str, ...] = ()

    def close(self) -> None:
        """Drop the mapping of the dump. May be repeated."""
        if self.memory is not None:
            self.memory.release()

    def __enter__(self) -> Vmcore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def is_vmcore(head: bytes) -> bool:
    """Whether a file that begins with ``head``, 512 bytes, is for ``open_vmcore``."""
    return (
        head.startswith(minidump.MAGIC)
        or _is_full(head)
        or looks_like_textdump(head)
        or looks_like_info(head)
        or parse_dump_header(head) is not None
    )


def open_vmcore(
    path: str | os.PathLike[str],
    *,
    info: str | os.PathLike[str] | None = None,
    kernel: str | os.PathLike[str] | None = None,
    name: str | None = None,
) -> Vmcore:
    """Open the dump at ``path``.

    ``info`` is its info.N; without it the one beside the dump is read. ``kernel`` is
    the kernel's ELF file, whose symbols say where the page tables of a full dump and
    the message buffer are. ``name`` is what the dump is called, if ``path`` is a copy.
    Raises ``MissingError``, ``AccessError``, or ``CoreFormatError`` if it is none, or
    holds not even messages. A truncated one is read as far as it goes, and ``problems``
    say so.
    """
    called = Path(name or path)
    data = map_file(path)
    if looks_like_info(bytes(data[:_HEAD])):
        return Vmcore(called, "info", "", None, parse_info(data), "")
    told = _info(called, info)
    header, data = _on_device(data)
    if header is not None and told == DumpInfo():
        told = header.info
    symbols = {} if kernel is None else _symbols(open_elf(kernel))
    head = bytes(data[:_HEAD])
    if head.startswith(minidump.MAGIC):
        return _of_minidump(called, data, told, symbols)
    if _is_full(head):
        return _of_full(called, data, told, symbols)
    if looks_like_textdump(head):
        texts, problems = read_textdump(data)
        said = texts.get("msgbuf.txt", "")
        return Vmcore(
            called, "textdump", "", None, told, said, texts=texts, problems=problems
        )
    if header is not None and told.compression not in ("", "none"):
        raise CoreFormatError(
            f"{called} holds a dump that the kernel compressed ({told.compression})",
            remedy="Let savecore(8) take it from the device: vmcore.N.gz or .zst.",
        )
    if _ENCRYPTED.match(called.name):
        raise CoreFormatError(f"{called} is encrypted", remedy=_DECRYPT)
    raise CoreFormatError(
        f"{called} is no kernel dump that can be read",
        remedy="Name vmcore.N, textdump.tar.N or info.N, as savecore(8) writes them.",
    )


def _is_full(head: bytes) -> bool:
    is_core = head[16:18] in (b"\x04\0", b"\0\x04")
    return head.startswith(b"\x7fELF") and head[7:8] == OSABI_STANDALONE and is_core


def _symbols(kernel: ElfFile) -> dict[str, int]:
    found = symbol_addresses(kernel, _SYMBOLS)
    kernel.release()
    return found


def _info(path: Path, info: str | os.PathLike[str] | None) -> DumpInfo:
    if info is not None:
        return parse_info(map_file(info))
    number = _NUMBERED.search(path.name)
    if number is None:
        return DumpInfo()
    try:
        return parse_info(map_file(path.with_name(f"info.{number[1]}")))
    except (MissingError, InputError):
        return DumpInfo()


def _on_device(data: memoryview) -> tuple[DumpHeader | None, memoryview]:
    """Return the header of a dump that is still on its device, and the dump alone.

    ``sys/kern/kern_shutdown.c``, dump_start: header, dump, header, end of the device.
    """
    last = parse_dump_header(bytes(data[-HEADER_SIZE:]))
    first = parse_dump_header(bytes(data[:HEADER_SIZE]))
    header = last or first
    if header is None:
        return None, data
    if header.is_encrypted:
        raise CoreFormatError("the dump is encrypted", remedy=_DECRYPT)
    block = max(HEADER_SIZE, header.block_size)
    start = block if last is None else len(data) - block - header.extent
    if start < 0:
        raise CoreFormatError("the device is smaller than the dump that ends on it")
    dump = data[start : start + (header.info.length or 0)]
    if header.info.magic == TEXT_MAGIC:
        return header, in_order(dump)
    return header, dump


def _of_minidump(
    path: Path, data: memoryview, info: DumpInfo, symbols: Mapping[str, int]
) -> Vmcore:
    dump = minidump.open_minidump(data)
    ring = _named_ring(dump.memory, symbols)
    text = text_of(*(ring or (dump.ring, dump.written)))
    return Vmcore(
        path,
        "minidump",
        dump.architecture,
        dump.version,
        info,
        text,
        dump.memory,
        problems=dump.problems,
    )


def _of_full(
    path: Path, data: memoryview, info: DumpInfo, symbols: Mapping[str, int]
) -> Vmcore:
    dump = open_full_dump(data, symbols.get("KPML4phys"))
    ring = _named_ring(dump.memory, symbols)
    ring = ring or find_ring(data, dump.spans, dump.memory.pointer_size)
    problems = dump.problems
    if ring is None:
        problems += ("the message buffer was not found",)
    text = "" if ring is None else text_of(*ring)
    return Vmcore(
        path,
        "full",
        dump.architecture,
        None,
        info,
        text,
        dump.memory,
        problems=problems,
    )


def _named_ring(
    memory: KernelMemory | None, symbols: Mapping[str, int]
) -> tuple[bytes, int] | None:
    pointer = symbols.get("msgbufp")
    if memory is None or pointer is None:
        return None
    word = memory.read_some(pointer, memory.pointer_size)
    return read_ring(memory, int.from_bytes(word, "little")) if word else None
