"""Reports of Ubuntu's apport: ``/var/crash/*.crash``.

Lines ``Key: text``; lines that begin with a space go on with the key before. The core
is ``CoreDump: base64`` and lines of base64, each decoded for itself, which joined are
one gzip or zstd stream (apport ``problem_report.py``: write).
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from coresnap.collect.importers.pieces import Stream
from coresnap.collect.importers.source_file import SourceFile
from coresnap.collect.importers.story import Story, command_line
from coresnap.collect.importers.systemd import number_of
from coresnap.collect.importers.unpacking import compression_of, peek, unpack
from coresnap.config.environment import filter_environment
from coresnap.errors import InputError

__all__ = ["is_report", "read_report"]

_CORE = b"CoreDump"
_LINE_LIMIT = 8 << 20
"""Bytes of a line: apport writes a mebibyte, compressed, as base64."""
_FIELDS_LIMIT = 32 << 20
_KEY = re.compile(rb"([A-Za-z0-9_.-]+):(?:[ \n]|$)")
_STATUS = re.compile(rb"^(Pid|Uid|Gid):\s+(\d+)", re.MULTILINE)


def is_report(start: bytes) -> bool:
    """Say whether a file that begins with ``start`` is such a report."""
    return bool(_KEY.match(start)) and b"ProblemType: " in start


def read_report(source: SourceFile, allowed: Iterable[str]) -> tuple[Story, Stream]:
    """Return what a report tells, and its core.

    ``allowed`` is ``environ.allow``. Raises InputError if there is no core in it.
    """
    with source.stream() as stream:
        fields, core = _fields(stream)
    if core is None:
        kind = fields.get("ProblemType", b"report").decode("utf-8", "replace")
        raise InputError(f"{source.path}: there is no core in this {kind}")
    name = str(source.path)
    first, chunks = peek(_decoded(source, core))
    return _story(fields, allowed), unpack(
        chunks, compression_of(first) or "zlib", name
    )


def _fields(stream: BinaryIO) -> tuple[dict[str, bytes], int | None]:
    """Return the fields that are text, and where the lines of the core begin."""
    fields: dict[str, list[bytes]] = {}
    core: int | None = None
    taken: list[bytes] | None = None
    total = 0
    while line := stream.readline(_LINE_LIMIT):
        if line[:1] != b" ":
            match = _KEY.match(line)
            taken = None
            if match is None:
                continue
            value = line[match.end(1) + 1 :].strip()
            if match[1] == _CORE:
                core = stream.tell()
            elif value != b"base64":
                taken = fields.setdefault(match[1].decode(), [])
                taken[:] = [value] if value else []
        elif taken is not None and total <= _FIELDS_LIMIT:
            taken.append(line[1:].rstrip(b"\n"))
            total += len(line)
    return {key: b"\n".join(lines) for key, lines in fields.items()}, core


def _decoded(source: SourceFile, offset: int) -> Iterator[bytes]:
    with source.stream(offset) as stream:
        while (line := stream.readline(_LINE_LIMIT)).startswith(b" "):
            try:
                yield base64.b64decode(line.strip(), validate=True)
            except binascii.Error:
                # Cut within a line: the decoder says that its data end early.
                return


def _story(fields: Mapping[str, bytes], allowed: Iterable[str]) -> Story:
    def text(name: str) -> str | None:
        value = fields.get(name)
        return value.decode("utf-8", "replace") if value else None

    status = fields.get("ProcStatus", b"")
    ids = {key: number_of(value.decode()) for key, value in _STATUS.findall(status)}
    path = text("ExecutablePath")
    return Story(
        pid=ids.get(b"Pid"),
        signal=number_of(text("Signal")),
        time=_time(text("Date")),
        uid=ids.get(b"Uid"),
        gid=ids.get(b"Gid"),
        path=path,
        context=_context(fields, allowed),
    )


def _context(fields: Mapping[str, bytes], allowed: Iterable[str]) -> dict[str, bytes]:
    names = {
        "ProcStatus": "process/status",
        "ProcMaps": "process/maps",
        "ProcCwd": "process/cwd",
        "ExecutablePath": "process/exe",
    }
    found = {member: fields[name] for name, member in names.items() if fields.get(name)}
    if line := fields.get("ProcCmdline"):
        found["process/cmdline"] = command_line(line.decode("utf-8", "surrogateescape"))
    if environment := fields.get("ProcEnviron"):
        kept = filter_environment(environment.split(b"\n"), allowed)
        found["process/environ"] = kept
    return found


def _time(date: str | None) -> int | None:
    """Return UTC nanoseconds of a date as asctime(3) writes it, in local time."""
    try:
        return int(time.mktime(time.strptime(date or ""))) * 1_000_000_000
    except (ValueError, OverflowError):
        return None
