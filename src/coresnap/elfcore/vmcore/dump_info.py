"""``info.N``: what savecore(8) writes beside a kernel dump, a line for each field.

``sbin/savecore/savecore.c``, printheader; the same words from FreeBSD 9 to 15.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

__all__ = ["DumpInfo", "looks_like_info", "parse_info"]

_LIMIT = 64 * 1024
_FIELD = re.compile(r"^\s*([A-Z][A-Za-z ]*?):\s*(.*?)\s*$")
_FIRST = re.compile(rb"\ADump header from device:", re.MULTILINE)
_TIMES = ("%Y-%m-%d %H:%M:%S %z", "%a %b %d %H:%M:%S %Y")


class DumpInfo(msgspec.Struct, frozen=True):
    """What a kernel dump says of itself; empty or None where it does not."""

    device: str = ""
    architecture: str = ""
    """As the kernel calls it: ``amd64``, ``arm64``, ``i386``."""
    architecture_version: int | None = None
    length: int | None = None
    """Bytes of the dump as it was written, compressed if it is."""
    compression: str = ""
    """``none``, ``gzip``, ``zstd``."""
    time: int | None = None
    """Of the panic, seconds UTC; of a time without a zone, as if it were UTC."""
    hostname: str = ""
    magic: str = ""
    version: str = ""
    """Of the kernel: its first line of ``kern.version``."""
    panic: str = ""
    status: str = ""
    """``good``, or what is wrong with the dump."""


def looks_like_info(data: bytes) -> bool:
    """Whether a file that begins with ``data`` is an info.N."""
    return bool(_FIRST.match(data))


def parse_info(data: bytes | memoryview) -> DumpInfo:
    """Read the fields that are there; what is not one is left out."""
    fields: dict[str, str] = {}
    text = bytes(data[:_LIMIT]).decode("utf-8", "backslashreplace")
    for line in text.splitlines():
        if found := _FIELD.match(line):
            fields.setdefault(found[1].lower(), found[2])
    return DumpInfo(
        device=fields.get("dump header from device", ""),
        architecture=fields.get("architecture", ""),
        architecture_version=_number(fields.get("architecture version", "")),
        length=_number(fields.get("dump length", "")),
        compression=fields.get("compression", ""),
        time=_time(fields.get("dumptime", "")),
        hostname=fields.get("hostname", ""),
        magic=fields.get("magic", ""),
        version=fields.get("version string", ""),
        panic=fields.get("panic string", ""),
        status=fields.get("dump status", ""),
    )


def _number(text: str) -> int | None:
    # "78032896B (74 MB)" in FreeBSD 9 to 11.
    found = re.match(r"[0-9]{1,18}", text)
    return int(found[0]) if found else None


def _time(text: str) -> int | None:
    for form in _TIMES:
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp())
    return None
