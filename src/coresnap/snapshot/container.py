"""Snapshots as files: a checked table of sections, each compressed on its own.

``docs/formats.md`` describes every byte. Reading trusts nothing: sizes are capped,
checksums compared, unknown sections and fields skipped, and whatever is wrong ends
in SnapshotFormatError.
"""

from __future__ import annotations

import functools
import os
import stat
import zlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

import msgspec

from coresnap.errors import (
    AccessError,
    MissingError,
    SnapshotFormatError,
)
from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot import layout, schema
from coresnap.snapshot.compression import compress, decompress
from coresnap.snapshot.folding import fold, unfold
from coresnap.snapshot.layout import (
    CODEC_DICTIONARY,
    CODEC_STORED,
    CODEC_ZSTD,
    Section,
)
from coresnap.snapshot.memory import MemoryIndex, MemoryReader, pack_memory
from coresnap.snapshot.schema import Summary

__all__ = [
    "SECTION_LIMIT",
    "SnapshotReader",
    "open_snapshot",
    "pack_sections",
    "read_snapshot",
    "write_snapshot",
]

SECTION_LIMIT = 256 * 1024 * 1024
"""Bytes that one section may have after decompression."""

MEMORY_LIMIT = 1024 * 1024 * 1024
"""Bytes of memory ranges that are decoded as a whole; reads are not bound by it."""

# Beyond this a section is its own best dictionary.
_DICTIONARY_UP_TO = 256 * 1024

T = TypeVar("T")


def write_snapshot(snapshot: Snapshot, target: str | os.PathLike[str] | int) -> int:
    """Write ``snapshot`` to a path or an open file descriptor; return its size.

    A path gets the whole file or stays as it was: the snapshot is written beside it
    with mode 0600 (it holds memory of the process), synced, and renamed. Raises
    StorageError (NoSpaceError when the disk is full) and AccessError.
    """
    from coresnap.snapshot.placing import place

    data = pack_snapshot(snapshot)
    place(data, target)
    return len(data)


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """Return the whole file of ``snapshot``.

    Raises SnapshotFormatError if a section is larger than a reader accepts.
    """
    snapshot = msgspec.structs.replace(snapshot, threads=fold(snapshot.threads))
    bodies: list[tuple[str, int, bytes, int]] = []
    for name, kind in schema.SECTION_TYPES.items():
        content = schema.part(snapshot, name)
        if name == "summary" or content != kind():
            bodies.append(_compressed(name, schema.encode(content)))
    if snapshot.memory:
        index, blocks = pack_memory(snapshot.memory)
        bodies.append(_compressed("memory", schema.encode(index)))
        bodies.append(("memory-data", len(blocks), blocks, CODEC_STORED))
    return pack_sections(bodies)


def _compressed(name: str, content: bytes) -> tuple[str, int, bytes, int]:
    if len(content) > SECTION_LIMIT:
        raise SnapshotFormatError(
            f"section {name!r} would have {len(content)} bytes, "
            f"more than the format's {SECTION_LIMIT}",
            remedy="Analyse with fewer frames or variables.",
        )
    if len(content) <= _DICTIONARY_UP_TO:
        stored, codec = compress(content, dictionary=True), CODEC_DICTIONARY
    else:
        stored, codec = compress(content), CODEC_ZSTD
    return name, len(content), stored, codec


def pack_sections(bodies: Iterable[tuple[str, int, bytes, int]]) -> bytes:
    """Return the file of sections: name, size, stored bytes and codec of each."""
    bodies = list(bodies)
    offset = layout.front_size(len(bodies))
    sections = []
    for name, size, stored, codec in bodies:
        checksum = zlib.crc32(stored)
        sections.append(Section(name, offset, len(stored), size, checksum, codec))
        offset += len(stored)
    return layout.pack_front(sections) + b"".join(body[2] for body in bodies)


def read_snapshot(source: str | os.PathLike[str] | int) -> Snapshot:
    """Return the whole snapshot in a file, given by path or open file descriptor.

    A descriptor is closed. Raises MissingError, AccessError, and SnapshotFormatError
    if it is no snapshot.
    """
    with open_snapshot(source) as reader:
        return reader.snapshot()


def open_snapshot(source: str | os.PathLike[str] | int) -> SnapshotReader:
    """Open a snapshot without decoding more than its table.

    Takes and raises what read_snapshot does; the reader owns the descriptor.
    """
    descriptor = source if isinstance(source, int) else _open(source)
    try:
        return SnapshotReader(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _open(path: str | os.PathLike[str]) -> int:
    try:
        # A FIFO planted under the name must not block us.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise MissingError(f"no such snapshot: {os.fspath(path)}") from error
    except PermissionError as error:
        raise AccessError(f"cannot read {os.fspath(path)}") from error
    except OSError as error:
        raise MissingError(
            f"cannot open {os.fspath(path)}: {error.strerror}"
        ) from error


class SnapshotReader:
    """A snapshot whose sections are decoded when they are asked for.

    Owns the file descriptor; use it as a context manager or call ``close``.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over ``descriptor``; raise SnapshotFormatError if it is no snapshot."""
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SnapshotFormatError("this is not a regular file, so no snapshot")
        self._begin(status.st_size, lambda at, size: os.pread(descriptor, size, at))

    @classmethod
    def elsewhere(cls, size: int, fetch: Callable[[int, int], bytes]) -> SnapshotReader:
        """Read a snapshot of ``size`` bytes that is not in a file here.

        ``fetch(offset, size)`` returns bytes of it; only what is asked for is fetched.
        """
        reader = cls.__new__(cls)
        reader._descriptor = -1
        reader._begin(size, fetch)
        return reader

    def _begin(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._fetch = fetch
        self.size = size
        """Bytes of the file."""
        start = fetch(0, min(size, layout.HEADER_SIZE))
        self.header = layout.unpack_header(start, self.size)
        front = self._read(0, self.header.front_size)
        self.sections = layout.unpack_table(self.header, front)

    def __enter__(self) -> SnapshotReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was decoded stays usable."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @functools.cached_property
    def summary(self) -> Summary:
        """Signal, classifiers, fingerprint, attributes, notes: all but the bulk."""
        if "summary" not in self.sections:
            raise SnapshotFormatError("the snapshot has no summary")
        return self._decode("summary", Summary)

    @functools.cached_property
    def threads(self) -> schema.Threads:
        """The threads with frames and variables."""
        stored = self._decode("threads", schema.Threads)
        return schema.Threads(unfold(stored.threads))

    @functools.cached_property
    def modules(self) -> schema.Modules:
        """Modules and mappings."""
        return self._decode("modules", schema.Modules)

    @functools.cached_property
    def memory(self) -> MemoryReader:
        """The memory that was kept; reading decodes only the blocks it needs."""
        data = self.sections.get("memory-data", Section("", 0, 0, 0, 0, CODEC_STORED))
        if "memory" not in self.sections:
            return MemoryReader(MemoryIndex(block_size=1), 0, self._read)
        index = self._decode("memory", MemoryIndex)
        return MemoryReader(
            index,
            data.stored_size,
            lambda offset, size: self._read(data.offset + offset, size),
        )

    def snapshot(self, *, with_memory: bool = True) -> Snapshot:
        """Decode everything, or all but the memory."""
        fields: dict[str, object] = {}
        for name in schema.SECTION_TYPES:
            content = self.section(name)
            fields |= {
                field.name: getattr(content, field.name)
                for field in msgspec.structs.fields(type(content))
            }
        if with_memory:
            fields["memory"] = self._whole_memory()
        return Snapshot(**fields)  # type: ignore[arg-type]

    def _whole_memory(self) -> tuple[MemoryRange, ...]:
        if self.memory.size > MEMORY_LIMIT:
            raise SnapshotFormatError(
                f"the snapshot holds {self.memory.size} bytes of memory, "
                f"more than the {MEMORY_LIMIT} that are read at once"
            )
        return tuple(self.memory.ranges())

    def section(self, name: str) -> msgspec.Struct:
        """Return the fields of the section ``name`` of ``SECTION_TYPES``."""
        if name in ("summary", "threads"):
            content: msgspec.Struct = getattr(self, name)
            return content
        return self._decode(name, schema.SECTION_TYPES[name])

    def _decode(self, name: str, kind: type[T]) -> T:
        if name not in self.sections:
            return kind()
        return schema.decode(self._section_bytes(self.sections[name]), kind, name)

    def stored(self, name: str) -> tuple[str, int, bytes, int]:
        """Return a section as it is in the file, for ``pack_sections``."""
        section = self.sections[name]
        return name, section.size, self._stored_bytes(section), section.codec

    def content(self, name: str) -> bytes:
        """Return the decompressed bytes of a section."""
        return self._section_bytes(self.sections[name])

    def _stored_bytes(self, section: Section) -> bytes:
        if max(section.size, section.stored_size) > SECTION_LIMIT:
            raise SnapshotFormatError(
                f"section {section.name!r} claims {section.size} bytes, "
                f"more than {SECTION_LIMIT}"
            )
        stored = self._read(section.offset, section.stored_size)
        if zlib.crc32(stored) != section.checksum:
            raise SnapshotFormatError(
                f"the checksum of section {section.name!r} is wrong",
                remedy="Copy the snapshot again, or repeat the analysis.",
            )
        return stored

    def _section_bytes(self, section: Section) -> bytes:
        stored = self._stored_bytes(section)
        if section.codec == CODEC_STORED:
            return stored
        if section.codec in (CODEC_ZSTD, CODEC_DICTIONARY):
            prepared = section.codec == CODEC_DICTIONARY
            return decompress(stored, section.size, dictionary=prepared)
        raise SnapshotFormatError(
            f"section {section.name!r} uses the unknown codec {section.codec}",
            remedy="Read it with a newer coresnap.",
        )

    def _read(self, offset: int, size: int) -> bytes:
        data = self._fetch(offset, size)
        if len(data) != size:
            raise SnapshotFormatError("the snapshot shrank while it was read")
        return data
