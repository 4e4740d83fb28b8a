"""Cores as others keep them, written by their documentation, not by our readers."""

from __future__ import annotations

import base64
import gzip
import os
import zlib
from collections.abc import Mapping, Sequence

from corewriter import (
    X86_64,
    Segment,
    Target,
    mapped_files,
    note,
    prpsinfo,
    prstatus,
    write_core,
)

PID = 4711
SYSTEMD_NAME = (
    f"core.a\\x2eout.1000.5202c556c50348d9898f8a3e7d7e1e8b.{PID}.1461535521000000"
)
SYSTEMD_ATTRIBUTES = {
    "user.coredump.pid": b"4711",
    "user.coredump.uid": b"1000",
    "user.coredump.gid": b"100",
    "user.coredump.signal": b"11",
    "user.coredump.timestamp": b"1461535521000000",
    "user.coredump.rlimit": b"18446744073709551615",
    "user.coredump.hostname": b"imphost",
    "user.coredump.comm": b"a.out",
    "user.coredump.exe": b"/srv/a.out",
}
"""As systemd-coredump 252 of Debian 12 set them, with other values."""


def small_core(
    target: Target = X86_64,
    *,
    pid: int = PID,
    signal: int = 11,
    memory: bytes = b"memory" * 2000,
    path: bytes = b"/srv/prog",
) -> bytes:
    notes = [
        prstatus(target, tid=pid + 1, registers={}, signal=signal),
        prpsinfo(target, pid=pid, command=path.rpartition(b"/")[2]),
        mapped_files(target, [(0x1000, 0x2000, 0, path)]),
    ]
    segments = [Segment(0x1000, memory), Segment(0x100000, bytes(1 << 20))]
    return write_core(target, notes=notes, segments=[*segments, Segment(1 << 28, b"x")])


def freebsd_core(*, pid: int, signal: int, command: bytes) -> bytes:
    """A core of FreeBSD/amd64 by sys/procfs.h: prstatus_t and prpsinfo_t."""
    status = X86_64.pack("iiPPPiii", 1, 0, 0, 0, 0, 1400000, signal, pid + 100000)
    process = X86_64.pack("iiP", 1, 0, 120) + command.ljust(17, b"\0") + bytes(81)
    process += bytes(2) + X86_64.pack("i", pid)
    notes = [
        note(X86_64, b"FreeBSD", 3, process),
        note(X86_64, b"FreeBSD", 1, status + bytes(200)),
    ]
    return write_core(notes=notes, segments=[Segment(0x1000, b"memory")], osabi=9)


def journal_export(entries: Sequence[Mapping[str, bytes]]) -> bytes:
    """The Journal Export Format, binary where a value has more than one line."""
    parts = []
    for entry in entries:
        for name, value in entry.items():
            if b"\n" in value or b"\0" in value:
                size = len(value).to_bytes(8, "little")
                parts.append(name.encode() + b"\n" + size + value + b"\n")
            else:
                parts.append(name.encode() + b"=" + value + b"\n")
        parts.append(b"\n")
    return b"".join(parts)


def journal_entry(
    file: os.PathLike[str] | None = None, **more: bytes
) -> dict[str, bytes]:
    entry = {
        "__CURSOR": b"s=1;i=2",
        "__REALTIME_TIMESTAMP": b"1461535599000000",
        "MESSAGE_ID": b"fc2e22bc6ee647b6b90729ab34a250b1",
        "COREDUMP_PID": b"4711",
        "COREDUMP_UID": b"1000",
        "COREDUMP_GID": b"100",
        "COREDUMP_SIGNAL": b"11",
        "COREDUMP_TIMESTAMP": b"1461535521000000",
        "COREDUMP_HOSTNAME": b"imphost",
        "COREDUMP_COMM": b"a.out",
        "COREDUMP_EXE": b"/srv/a.out",
        "COREDUMP_CMDLINE": b"/srv/a.out --name 'two words'",
        "COREDUMP_PROC_STATUS": b"Name:\ta.out\nVmRSS:\t     1234 kB\n",
        "COREDUMP_ENVIRON": b"LANG=C\nSECRET=canary\n",
        "COREDUMP_OPEN_FDS": b"0:/dev/null\npos:\t0\nflags:\t02\n\n"
        b"1:socket:[77]\npos:\t0\n",
    }
    if file is not None:
        entry["COREDUMP_FILENAME"] = os.fsencode(file)
    return entry | more


def apport_report(core: bytes | None, *, format: str = "gzip", **fields: str) -> bytes:
    """A report as apport's problem_report.py writes it, chunk by chunk."""
    told = {
        "ProblemType": "Crash",
        "Date": "Mon Apr 25 00:05:21 2016",
        "ExecutablePath": "/usr/bin/a.out",
        "ProcCmdline": "a.out 'two words'",
        "ProcCwd": "/srv",
        "ProcEnviron": "\n LANG=C\n SECRET=canary",
        "ProcStatus": f"\n Name:\ta.out\n Pid:\t{PID}\n Uid:\t1000\t1000\t1000\t1000",
        "Signal": "11",
        "Uname": "Linux 5.15.0-25-generic x86_64",
        **fields,
    }
    text = "".join(
        f"{name}:{value}\n" if value.startswith("\n") else f"{name}: {value}\n"
        for name, value in told.items()
    )
    if core is None:
        return text.encode()
    lines = b"".join(b" " + base64.b64encode(c) + b"\n" for c in _chunks(core, format))
    return text.encode() + b"CoreDump: base64\n" + lines + b"UserGroups: adm\n"


def _chunks(core: bytes, format: str) -> list[bytes]:
    if format == "whole":
        whole = gzip.compress(core)
        return [whole[i : i + 1000] for i in range(0, len(whole), 1000)]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0)
    chunks = [b"\037\213\010\000\000\000\000\000\002\377"]
    for start in range(0, len(core), 1 << 18):
        if block := packer.compress(core[start : start + (1 << 18)]):
            chunks.append(block)
    end = zlib.crc32(core).to_bytes(4, "little") + len(core).to_bytes(4, "little")
    return [*chunks, packer.flush() + end]
