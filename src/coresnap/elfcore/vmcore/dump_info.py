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
_NAMES = frozenset(
    {
        "dump header from device",
        "architecture",
        "architecture version",
        "dump length",
        "blocksize",
        "compression",
        "dumptime",
        "hostname",
        "magic",
        "version string",
        "panic string",
        "dump parity",
        "bounds",
        "dump status",
    }
)
_LONG = frozenset({"version string", "panic string"})
"""What may have more lines: older releases write all of ``kern.version``."""
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
    """Of the kernel: ``kern.version``, or its first line."""
    panic: str = ""
    """May have several lines."""
    status: str = ""
    """``good``, ``bad`` or ``unknown``; ``cleared`` where savecore(8) has taken it."""
    block_size: int | None = None
    """Bytes, of the dump device."""
    parity: int | None = None
    bounds: int | None = None
    """The number that savecore gave the dump, as in ``vmcore.0``."""


def looks_like_info(data: bytes) -> bool:
    """Whether a file that begins with ``data`` is an info.N."""
    return bool(_FIRST.match(data))


def parse_info(data: bytes | memoryview) -> DumpInfo:
    """Read the fields that are there; what is not one is left out."""
    fields: dict[str, str] = {}
    text = bytes(data[:_LIMIT]).decode("utf-8", "backslashreplace")
    name = ""
    for line in text.splitlines():
        found = _FIELD.match(line)
        if found is not None and found[1].lower() in _NAMES:
            name = found[1].lower()
            fields.setdefault(name, found[2])
        elif name in _LONG and line.strip():
            fields[name] += f"\n{line.strip()}"
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
        block_size=_number(fields.get("blocksize", "")),
        parity=_number(fields.get("dump parity", "")),
        bounds=_number(fields.get("bounds", "")),
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
