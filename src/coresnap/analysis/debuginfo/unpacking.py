"""Compressed debug sections, decompressed into a file that libdw can map.

libdw decompresses every section into its heap when it opens a file, those included that
nobody will read. Here they go into a file: pages that are not looked at are not in
memory, the system may take back the others, and a cache can keep it.

gABI, "Section Compression"; the older ``.zdebug_`` sections are binutils'.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterator

from coresnap.analysis.debuginfo.debug_cache import DebugCache, EntryKey
from coresnap.elfcore.elffile import (
    ELFCOMPRESS_ZLIB,
    ELFCOMPRESS_ZSTD,
    SHF_COMPRESSED,
    SHT_NOBITS,
    ElfFile,
)
from coresnap.elfcore.elfheader import ET_DYN, ET_EXEC, Section
from coresnap.errors import InputError

__all__ = ["unpacked"]

_KINDS = frozenset(
    {
        *("abbrev", "addr", "aranges", "info", "line", "line_str", "loc", "loclists"),
        *("ranges", "rnglists", "str", "str_offsets", "types"),
    }
)
"""What libdw reads of ``.debug_*``; names, macros and call frames stay behind."""
_ALSO = (".gnu_debugaltlink",)
_LIMIT = 16 << 30
"""Bytes of all sections of one file."""
_IN_MEMORY = 64 << 20
"""Bytes beyond which a file without a name goes to a disk."""
_PIECE = 64 << 10
"""Compressed bytes at once: zlib makes at most a thousand times as many of them."""
_OUTPUT = 1 << 20


def unpacked(descriptor: int, cache: DebugCache | None) -> int:
    """A descriptor of the same debug information, with nothing compressed in it.

    Takes over ``descriptor`` and returns it as it is if there is nothing to decompress,
    or if that fails: libdw will say what is wrong with it.
    """
    try:
        found = _unpack(descriptor, cache)
    except (InputError, OSError, ValueError, zlib.error):
        return descriptor
    if found is None:
        return descriptor
    os.close(descriptor)
    return found


def _unpack(descriptor: int, cache: DebugCache | None) -> int | None:
    # Not closed, but dropped: slices of it may stand in a traceback.
    elf = ElfFile(memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)))
    sections = _wanted(elf)
    if not any(map(_is_packed, sections.values())):
        return None
    key = EntryKey.of(descriptor, elf.build_id)
    return _cached(elf, sections, key, cache) or _anonymous(elf, sections)


def _wanted(elf: ElfFile) -> dict[str, Section]:
    """What libdw reads, by its name without compression."""
    # Sections of a relocatable file come in groups, and several with one name.
    if elf.header.type not in (ET_EXEC, ET_DYN):
        return {}
    found: dict[str, Section] = {}
    for section in elf.sections:
        prefix, _, kind = section.name.partition("debug_")
        if prefix in (".", ".z") and kind in _KINDS and section.type != SHT_NOBITS:
            found.setdefault(f".debug_{kind}", section)
        elif section.name in _ALSO:
            found.setdefault(section.name, section)
    return found


def _is_packed(section: Section) -> bool:
    return bool(section.flags & SHF_COMPRESSED) or section.name.startswith(".z")


def _cached(
    elf: ElfFile, sections: dict[str, Section], key: EntryKey, cache: DebugCache | None
) -> int | None:
    if cache is None:
        return None
    found = cache.open(key)
    if found is not None:
        return found
    return cache.store(key, lambda file: _write(elf, sections, file))


def _anonymous(elf: ElfFile, sections: dict[str, Section]) -> int:
    large = sum(_size(elf, section) for section in sections.values()) > _IN_MEMORY
    descriptor = _without_a_name(large=large)
    try:
        _write(elf, sections, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _without_a_name(*, large: bool) -> int:
    create = vars(os).get("memfd_create")
    if large or create is None:
        import tempfile

        try:
            with tempfile.TemporaryFile(dir=os.environ.get("TMPDIR", "/var/tmp")) as f:
                return os.dup(f.fileno())
        except OSError:
            if create is None:
                raise
    # A worker may not make files, on no disk.
    descriptor: int = create("debug-sections")
    return descriptor


def _write(elf: ElfFile, sections: dict[str, Section], descriptor: int) -> None:
    if sum(_size(elf, section) for section in sections.values()) > _LIMIT:
        raise InputError("the debug sections are too large")
    # Not before: most of what is compressed is in the cache.
    from coresnap.elfcore.elfwriter import write_sections

    contents = {name: _contents(elf, section) for name, section in sections.items()}
    write_sections(descriptor, elf.header, contents)


def _size(elf: ElfFile, section: Section) -> int:
    return _packing(elf, section)[1] if _is_packed(section) else section.size


def _contents(elf: ElfFile, section: Section) -> Iterator[bytes | memoryview]:
    data = elf.slice(section.offset, section.size)
    if not _is_packed(section):
        yield data
        return
    method, size, start = _packing(elf, section)
    left = size
    for piece in _inflated(data[start:], method):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise InputError(f"section {section.name} is not of the size that it says")


def _packing(elf: ElfFile, section: Section) -> tuple[int, int, int]:
    """Method, size of the contents, and where in the section they begin."""
    data = elf.slice(section.offset, min(section.size, 24))
    try:
        if not section.flags & SHF_COMPRESSED:
            if bytes(data[:4]) != b"ZLIB":
                raise InputError(f"section {section.name} is damaged")
            return ELFCOMPRESS_ZLIB, struct.unpack_from(">Q", data, 4)[0], 12
        order = ">" if elf.byte_order == "big" else "<"
        layout = struct.Struct(order + ("III" if elf.pointer_size == 4 else "IIQQ"))
        fields = layout.unpack_from(data)
    except struct.error as error:
        raise InputError(f"section {section.name} is damaged") from error
    return fields[0], fields[-2], layout.size


def _inflated(data: memoryview, method: int) -> Iterator[bytes]:
    if method == ELFCOMPRESS_ZLIB:
        yield from _inflated_zlib(data)
    elif method == ELFCOMPRESS_ZSTD:
        yield from _inflated_zstd(data)


def _inflated_zlib(data: memoryview) -> Iterator[bytes]:
    stream = zlib.decompressobj()
    for start in range(0, len(data), _PIECE):
        yield stream.decompress(data[start : start + _PIECE])
        if stream.eof:
            return


def _inflated_zstd(data: memoryview) -> Iterator[bytes]:
    import sys

    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    stream = zstd.ZstdDecompressor()
    try:
        for start in range(0, len(data), _PIECE):
            yield stream.decompress(data[start : start + _PIECE], _OUTPUT)
            while not stream.eof and not stream.needs_input:
                yield stream.decompress(b"", _OUTPUT)
            if stream.eof:
                return
    except zstd.ZstdError as error:
        raise InputError(f"damaged zstd: {error}") from error
