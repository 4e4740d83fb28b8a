"""NT_PROCSTAT_FILES: struct kinfo_file (``sys/sys/user.h``).

12 moved the union that only vnodes, sockets and process descriptors use; what is read
here lies where it lay in 9 to 11. The path is at 368 in all releases.
"""

from __future__ import annotations

import struct

from coresnap.elfcore.notes_freebsd_records import records
from coresnap.elfcore.process_state import OpenFile, Socket

__all__ = ["read_files"]

_FILE = struct.Struct("<iiiii4xq")
"""Size, type, descriptor, references, flags, offset."""
_SOCKET = struct.Struct("<Iiii 128s 128s")
"""Bytes to send, domain, type, protocol, both addresses; from 32 on."""
_UNION, _PID, _SIZE, _RECEIVED, _PATH = 32, 304, 312, 332, 368
_LIMIT = 1 << 16
_ROLES = {-1: "cwd", -2: "root", -3: "jail", -4: "trace", -5: "text", -6: "terminal"}
_KINDS = {
    0: "none",
    1: "vnode",
    2: "socket",
    3: "pipe",
    4: "fifo",
    5: "kqueue",
    6: "crypto",
    7: "mqueue",
    8: "shm",
    9: "sem",
    10: "pts",
    11: "procdesc",
    12: "device",
    13: "eventfd",
    14: "timerfd",
    15: "inotify",
    16: "jaildesc",
    255: "unknown",
}
_VNODES = {
    1: "regular",
    2: "directory",
    3: "block",
    4: "character",
    5: "link",
    6: "socket",
    7: "fifo",
    8: "bad",
}
_FLAGS = (
    (0x1, "read"),
    (0x2, "write"),
    (0x4, "append"),
    (0x8, "async"),
    (0x10, "fsync"),
    (0x20, "nonblock"),
    (0x40, "direct"),
    (0x80, "lock"),
    (0x100, "shared-lock"),
    (0x200, "exclusive-lock"),
    (0x400, "no-follow"),
    (0x800, "create"),
    (0x1000, "truncate"),
    (0x2000, "exclusive"),
    (0x4000, "execute"),
)
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 28
_DOMAINS = {_AF_UNIX: "unix", _AF_INET: "inet", _AF_INET6: "inet6", 17: "route"}
_TYPES = {1: "stream", 2: "datagram", 3: "raw", 4: "rdm", 5: "seqpacket"}
_PROTOCOLS = {0: "", 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}
_PROTOCOLS |= {136: "udplite", 254: "divert"}
_PATH_START = 2


def read_files(data: memoryview, problems: list[str]) -> tuple[OpenFile, ...]:
    """Read the open files in the order of the note.

    ``data`` is the note's description, with its leading int.
    """
    found = records(data, _PATH, _LIMIT, problems, "open files")
    return tuple(_file(record) for record in found)


def _file(record: memoryview) -> OpenFile:
    _, kind, descriptor, references, flags, offset = _FILE.unpack_from(record)
    role = _ROLES.get(descriptor, "" if descriptor >= 0 else str(descriptor))
    name = _KINDS.get(kind, str(kind))
    vnode = ""
    if name == "vnode":
        vnode = _VNODES.get(int.from_bytes(record[_UNION : _UNION + 4], "little"), "")
    return OpenFile(
        descriptor=descriptor if descriptor >= 0 else None,
        role=role,
        kind=name,
        vnode=vnode,
        flags=tuple(word for bit, word in _FLAGS if flags & bit),
        # The kernel has -1 for what is no descriptor.
        references=references if references >= 0 else None,
        offset=offset if offset >= 0 else None,
        # Of a socket it is the domain's name.
        path=None if name == "socket" else _path(record),
        socket=_socket(record) if name == "socket" else None,
        size=_word(record, _SIZE, "<q") if vnode == "regular" else None,
        pid=_word(record, _PID, "<i") if name == "procdesc" else None,
    )


def _path(record: memoryview) -> bytes | None:
    return bytes(record[_PATH:]).partition(b"\0")[0] or None


def _word(record: memoryview, offset: int, code: str) -> int:
    word: int = struct.unpack_from(code, record, offset)[0]
    return word


def _socket(record: memoryview) -> Socket:
    sent, domain, kind, protocol, local, peer = _SOCKET.unpack_from(record, _UNION)
    return Socket(
        domain=_DOMAINS.get(domain, str(domain)),
        type=_TYPES.get(kind, str(kind)),
        protocol=_PROTOCOLS.get(protocol, str(protocol)),
        local=_address(local, domain),
        peer=_address(peer, domain),
        received=_word(record, _RECEIVED, "<I"),
        sent=sent,
    )


def _address(raw: bytes, domain: int) -> str:
    """struct sockaddr as procstat(1) writes it: length, family, then the family's."""
    import socket  # a core of Linux has no use for it

    family = raw[1]
    if family == _AF_INET:
        (port,) = struct.unpack_from(">H", raw, 2)
        host = raw[4:8]
        return f"{socket.inet_ntop(socket.AF_INET, host) if any(host) else '*'}:{port}"
    if family == _AF_INET6:
        (port,) = struct.unpack_from(">H", raw, 2)
        return f"{socket.inet_ntop(socket.AF_INET6, raw[8:24])}.{port}"
    if family == _AF_UNIX or domain == _AF_UNIX:
        path = raw[_PATH_START : max(raw[0], _PATH_START)].partition(b"\0")[0]
        return path.decode("utf-8", "backslashreplace") or "-"
    return ""
