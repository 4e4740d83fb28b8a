"""Entries of systemd's journal that tell of a crash, from an export or JSON.

``journalctl -o export`` writes the *Journal Export Format*: lines ``NAME=text``, or
``NAME``, a 64-bit little-endian size and that many bytes; an empty line ends an entry.
``-o json`` writes an object per line; a value is a text, a list of bytes, or null for
one that was too long. Fields: systemd.journal-fields(7) and ``coredump.c``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from coresnap.collect.importers.source_file import SourceFile
from coresnap.collect.importers.story import Story, command_line, descriptors
from coresnap.collect.importers.systemd import number_of
from coresnap.config.environment import filter_environment
from coresnap.errors import InputError

__all__ = ["JournalCrash", "read_crashes"]

_CORE = "COREDUMP"
"""The core itself, where systemd was told to keep it in the journal."""
_FIELD_LIMIT = 4 << 20
_ENTRY_LIMIT = 32 << 20
_LINE_LIMIT = 16 << 20
_MEMBERS = {
    "COREDUMP_PROC_STATUS": "process/status",
    "COREDUMP_PROC_MAPS": "process/maps",
    "COREDUMP_PROC_LIMITS": "process/limits",
    "COREDUMP_PROC_CGROUP": "process/cgroup",
    "COREDUMP_PROC_MOUNTINFO": "process/mountinfo",
    "COREDUMP_PROC_AUXV": "process/auxv",
    "COREDUMP_COMM": "process/comm",
    "COREDUMP_EXE": "process/exe",
    "COREDUMP_CWD": "process/cwd",
    "COREDUMP_ROOT": "process/root",
}


@attrs.frozen
class JournalCrash:
    """One crash that the journal tells of."""

    story: Story
    file: Path | None
    """Where the core was stored on that machine."""
    inline: tuple[int, int] | None
    """Offset and size of the core in the export itself."""


_Fields = dict[str, bytes]


def read_crashes(source: SourceFile, allowed: Iterable[str]) -> Iterator[JournalCrash]:
    """Yield each crash; entries of anything else are skipped.

    ``allowed`` is ``environ.allow``. Raises InputError where the file is neither
    export nor JSON any more.
    """
    names = tuple(allowed)
    with source.stream() as stream:
        is_json = source.start(1) == b"{"
        end = source.status.st_size
        entries = _from_json(stream) if is_json else _from_export(stream, end)
        for fields, inline in entries:
            if "COREDUMP_PID" in fields:
                yield _crash(fields, inline, names)


def _from_json(stream: BinaryIO) -> Iterator[tuple[_Fields, None]]:
    while line := stream.readline(_LINE_LIMIT):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{_where(stream, line)}: no JSON: {error}") from error
        if not isinstance(entry, dict):
            raise InputError(f"{_where(stream, line)}: not an entry of a journal")
        yield (
            {str(k): v for k, o in entry.items() if (v := _bytes(o)) is not None},
            None,
        )


def _where(stream: BinaryIO, line: bytes) -> str:
    return f"the journal at offset {stream.tell() - len(line)}"


def _bytes(value: Any) -> bytes | None:  # noqa: ANN401 - from JSON
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list):
        try:
            return bytes(value)
        except (TypeError, ValueError):
            return None
    return None


def _from_export(
    stream: BinaryIO, end: int
) -> Iterator[tuple[_Fields, tuple[int, int] | None]]:
    fields: _Fields = {}
    inline: tuple[int, int] | None = None
    total = 0
    while line := stream.readline(_LINE_LIMIT):
        if line == b"\n":
            yield fields, inline
            fields, inline, total = {}, None, 0
            continue
        if not line.endswith(b"\n"):
            raise InputError(f"{_where(stream, line)}: the line does not end")
        name, equals, value = line[:-1].partition(b"=")
        key = name.decode("ascii", "replace")
        if not equals:
            offset, size, value = _binary(stream, line, end)
            if key == _CORE:
                inline = offset, size
        total += len(value)
        if total <= _ENTRY_LIMIT and len(value) <= _FIELD_LIMIT:
            fields[key] = value
    if fields:
        yield fields, inline


def _binary(stream: BinaryIO, line: bytes, end: int) -> tuple[int, int, bytes]:
    """Read a binary field behind its name: offset, size, and the value if small."""
    where = _where(stream, line)
    size = int.from_bytes(stream.read(8), "little")
    offset = stream.tell()
    there = end - offset
    if size >= there:
        # A core that ends early is worth more than none; what follows is lost.
        if line == b"COREDUMP\n" and there > 0:
            stream.seek(0, os.SEEK_END)
            return offset, size, b""
        raise InputError(f"{where}: the field ends behind the file")
    value = stream.read(size) if size <= _FIELD_LIMIT else b""
    stream.seek(offset + size)
    if stream.read(1) != b"\n":
        raise InputError(f"{where}: the field has no end")
    return offset, size, value


def _crash(
    fields: Mapping[str, bytes],
    inline: tuple[int, int] | None,
    allowed: tuple[str, ...],
) -> JournalCrash:
    def text(name: str) -> str | None:
        value = fields.get(name)
        return None if value is None else value.decode("utf-8", "replace")

    def number(name: str) -> int | None:
        return number_of(text(name))

    time = number("COREDUMP_TIMESTAMP") or number("__REALTIME_TIMESTAMP")
    story = Story(
        pid=number("COREDUMP_PID"),
        signal=number("COREDUMP_SIGNAL"),
        time=time * 1000 if time is not None and time < 1 << 53 else None,
        uid=number("COREDUMP_UID"),
        gid=number("COREDUMP_GID"),
        core_limit=number("COREDUMP_RLIMIT"),
        path=text("COREDUMP_EXE"),
        command=text("COREDUMP_COMM"),
        hostname=text("COREDUMP_HOSTNAME") or text("_HOSTNAME"),
        truncated=text("COREDUMP_TRUNCATED") == "1",
        context=_context(fields, allowed),
    )
    file = fields.get("COREDUMP_FILENAME")
    is_path = file is not None and file and b"\0" not in file
    return JournalCrash(
        story, Path(os.fsdecode(file)) if is_path and file else None, inline
    )


def _context(fields: Mapping[str, bytes], allowed: tuple[str, ...]) -> dict[str, bytes]:
    found = {m: fields[name] for name, m in _MEMBERS.items() if name in fields}
    if line := fields.get("COREDUMP_CMDLINE"):
        found["process/cmdline"] = command_line(line.decode("utf-8", "surrogateescape"))
    if environment := fields.get("COREDUMP_ENVIRON"):
        kept = filter_environment(environment.split(b"\n"), allowed)
        found["process/environ"] = kept
    if files := fields.get("COREDUMP_OPEN_FDS"):
        found["process/fd"] = descriptors(files)
    return found
