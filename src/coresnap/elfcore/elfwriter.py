"""Writes a small ELF file that has sections and nothing else.

What libraries can only read from a file, such as one unit of a package of split debug
information, is given to them as one. System V gABI, "Object Files".
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from coresnap.elfcore.elfheader import ElfHeader

__all__ = ["anonymous_file", "write_sections"]

Bytes: TypeAlias = bytes | bytearray | memoryview

_ET_REL = 1
_SHT_PROGBITS, _SHT_STRTAB = 1, 3
_NAMES = ".shstrtab"


def write_sections(
    descriptor: int, like: ElfHeader, sections: Mapping[str, Bytes | Iterator[Bytes]]
) -> None:
    """Write ``sections``, by name, for the machine that ``like`` is for.

    A section may come in pieces. Raises OSError if it cannot be written.
    """
    order = ">" if like.byte_order == "big" else "<"
    wide = like.pointer_size == 8
    names, offsets = _names((*sections, _NAMES))
    contents: dict[str, Bytes | Iterator[Bytes]] = {**sections, _NAMES: names}
    position = 64 if wide else 52
    row = struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    rows = [row.pack(*(0,) * 10)]
    os.lseek(descriptor, position, os.SEEK_SET)
    for name, data in contents.items():
        kind = _SHT_STRTAB if name == _NAMES else _SHT_PROGBITS
        pieces = data if isinstance(data, Iterator) else (data,)
        size = sum(_write(descriptor, piece) for piece in pieces)
        rows.append(row.pack(offsets[name], kind, 0, 0, position, size, 0, 0, 1, 0))
        position += size
    _write(descriptor, b"".join(rows))
    os.lseek(descriptor, 0, os.SEEK_SET)
    _write(descriptor, _header(order, like, position, len(rows), row.size))


def _header(order: str, like: ElfHeader, table: int, count: int, size: int) -> bytes:
    wide = like.pointer_size == 8
    identity = bytes((2 if wide else 1, 2 if order == ">" else 1, 1))
    layout = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    return (b"\x7fELF" + identity).ljust(16, b"\0") + struct.pack(
        layout,
        *(_ET_REL, like.machine, 1, 0, 0, table, 0),
        *(64 if wide else 52, 0, 0, size, count, count - 1),
    )


def _names(names: tuple[str, ...]) -> tuple[bytes, dict[str, int]]:
    table, offsets = bytearray(b"\0"), {}
    for name in names:
        offsets[name] = len(table)
        table += name.encode() + b"\0"
    return bytes(table), offsets


def _write(descriptor: int, data: Bytes) -> int:
    view = memoryview(data).cast("B")
    size = len(view)
    while view:
        view = view[os.write(descriptor, view) :]
    return size


@contextlib.contextmanager
def anonymous_file(name: str) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of an empty file, and a path that others can open it by.

    ``name`` is only seen by those who look for what a process has open. The file ends
    with its last descriptor.
    """
    with contextlib.ExitStack() as files:
        # FreeBSD has files in memory from 13 on, and no paths of descriptors.
        found = _in_memory(name, files) if os.path.isdir("/proc/self/fd") else None
        if found is not None:
            yield found, f"/proc/self/fd/{found}"
        else:
            yield _named(name, files)


def _in_memory(name: str, files: contextlib.ExitStack) -> int | None:
    create = vars(os).get("memfd_create")
    if create is None:
        return None
    descriptor: int = create(name)
    files.callback(os.close, descriptor)
    return descriptor


def _named(name: str, files: contextlib.ExitStack) -> tuple[int, str]:
    import tempfile

    try:
        file = tempfile.NamedTemporaryFile(prefix=name)  # noqa: SIM115
    except OSError:
        # A worker of FreeBSD's may make no files, and opens /dev/fd/N by itself.
        found = _in_memory(name, files)
        if found is None:
            raise
        return found, f"/dev/fd/{found}"
    files.enter_context(file)
    return file.fileno(), file.name
