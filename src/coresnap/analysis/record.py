"""A snapshot of a crash whose core was never kept: what the assets alone can say.

The handler writes the process's context before it touches the core. When nothing else
came (it was killed, the disk was full, a storm), that context still names the program,
the signal and the threads, and is counted among the faults.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from coresnap.analysis.attributes import Facts, attributes_of
from coresnap.analysis.capture import (
    CRASH,
    capture_facts,
    capture_notes,
    json_object,
)
from coresnap.analysis.classify.rules.signals import of_signal
from coresnap.analysis.fingerprint import record_fingerprint
from coresnap.analysis.kernel_stacks import with_kernel_stacks
from coresnap.analysis.quality.score import record_quality
from coresnap.analysis.retained_assets import retained_assets
from coresnap.analysis.signals import explain_signal
from coresnap.model import Mapping as MemoryMapping
from coresnap.model import Note, Snapshot, Thread, UnwindEnd

__all__ = ["snapshot_of_record"]

_KERNEL = "system/kernel/dump.json"
"""``kernel.evidence.DUMP``, whose module costs too much to ask each crash for it."""
_ARGUMENTS_LIMIT = 80
"""Bytes of the command line, as many as a core holds (ELF_PRARGSZ)."""
_MAPPING_LIMIT = 1 << 16
_THREAD_LIMIT = 1 << 12
_ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "i686": "i386", "i586": "i386"}
"""uname's machine where it is not our name of the architecture."""
_TID = re.compile(r"[0-9]{1,10}\Z")
_DELETED = " (deleted)"


class _Record(msgspec.Struct, frozen=True):
    """The assets, and what the kernel said about the crash."""

    assets: Mapping[str, bytes]
    crash: Mapping[str, Any]

    def text(self, name: str) -> str:
        data = self.assets.get(name, b"")
        return data.decode("utf-8", "replace").rstrip("\n")

    def said(self, key: str) -> str | None:
        value = self.crash.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str) -> int | None:
        value = self.crash.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value

    @property
    def command(self) -> str | None:
        return self.text("process/comm") or self.said("command")

    @property
    def application(self) -> str:
        path = self.text("process/exe").removesuffix(_DELETED)
        # The kernel writes '!' for '/' in %E (fs/coredump.c, cn_print_exe_file).
        path = path or (self.said("executable") or "").replace("!", "/")
        return os.path.basename(path) or self.command or "?"


def snapshot_of_record(assets: Mapping[str, bytes]) -> Snapshot:
    """Make the snapshot of a crash that has ``assets`` (by member name) and no core.

    Whatever is missing is missing in the snapshot, and a note says why there is no
    core. Raises nothing: no assets at all give a snapshot that says so.
    """
    if _KERNEL in assets:
        # Not before: few crashes are a kernel's.
        from coresnap.analysis.kernel.evidence import unpack_evidence
        from coresnap.analysis.kernel.snapshot import snapshot_of_kernel

        evidence = unpack_evidence(assets)
        if evidence is not None:
            return _of_archive(snapshot_of_kernel(evidence), assets)
    record = _Record(assets, json_object(assets.get(CRASH, b"")))
    system, architecture = _machine(record)
    number = record.number("signal")
    signal = explain_signal(system, number, None, None) if number else None
    capture = capture_facts(assets, has_core=False)
    threads = tuple(with_kernel_stacks(list(_threads(record)), assets))
    classifiers = tuple(of_signal(signal, record.number("tid"), record.number("pid")))
    application = record.application
    found = record_fingerprint(
        application, signal.name if signal else "none", record.said("kind")
    )
    quality = record_quality(capture)
    facts = Facts(
        pid=record.number("pid"),
        application=application,
        signal=signal,
        frames=(),
        classifiers=[c.name for c in classifiers],
        thread_count=len(threads),
        assets=assets,
        capture=capture,
    )
    return Snapshot(
        system=system,
        architecture=architecture,
        pid=record.number("pid"),
        command=record.command,
        arguments=_arguments(assets),
        signal=signal,
        threads=threads,
        mappings=tuple(_mappings(assets)),
        classifiers=classifiers,
        fingerprint=found.digest,
        fingerprint_frames=found.frames,
        quality=quality.score,
        quality_reason=quality.reason,
        quality_parts=quality.parts,
        attributes=attributes_of(facts),
        notes=(*capture_notes(capture), *_gaps(record)),
        assets=retained_assets(assets),
    )


def _of_archive(snapshot: Snapshot, assets: Mapping[str, bytes]) -> Snapshot:
    """Name the archive by which the store knows a crash again."""
    told = json_object(assets.get(CRASH, b"")).get("id")
    if not isinstance(told, str):
        return snapshot
    attributes = {**snapshot.attributes, "coresnap.object": told}
    return msgspec.structs.replace(
        snapshot, attributes=dict(sorted(attributes.items()))
    )


def _machine(record: _Record) -> tuple[str, str]:
    """System and architecture of the crashed machine; of this one if it is unsaid."""
    names = record.text("system/uname").splitlines()
    here = os.uname()
    system, machine = (
        (names[0], names[-1]) if len(names) > 1 else (here.sysname, here.machine)
    )
    return system, _ARCHITECTURES.get(machine, machine)


def _arguments(assets: Mapping[str, bytes]) -> str | None:
    words = assets.get("process/cmdline", b"").rstrip(b"\0").replace(b"\0", b" ")
    return words[:_ARGUMENTS_LIMIT].decode("utf-8", "replace") or None


def _threads(record: _Record) -> Iterator[Thread]:
    """The threads that the handler saw, the crashed one first."""
    tids: dict[int, None] = {}
    for name in record.assets:
        words = name.split("/")
        if (
            words[:2] == ["process", "task"]
            and len(words) == 4
            and _TID.match(words[2])
        ):
            tids[int(words[2])] = None
    crashed = record.number("tid") or record.number("pid")
    order = sorted(tids, key=lambda tid: tid != crashed)[:_THREAD_LIMIT]
    for tid in order:
        comm = record.text(f"process/task/{tid}/comm") or None
        yield Thread(tid, tid == crashed, UnwindEnd.NO_REGISTERS, comm)


def _mappings(assets: Mapping[str, bytes]) -> Iterator[MemoryMapping]:
    """The address space by /proc/PID/maps (proc(5)); nothing of it is stored."""
    for line in assets.get("process/maps", b"").splitlines()[:_MAPPING_LIMIT]:
        words = line.decode("utf-8", "replace").split(maxsplit=5)
        try:
            start, end = (int(word, 16) for word in words[0].split("-"))
            offset = int(words[2], 16)
        except (ValueError, IndexError):
            continue
        if max(start, end, offset) >= 1 << 64:
            continue
        path = words[5] if len(words) > 5 else None
        is_file = path is not None and path.startswith("/")
        permissions = words[1][:3]
        yield MemoryMapping(start, end, permissions, offset if is_file else None, path)


def _gaps(record: _Record) -> Iterator[Note]:
    if not record.crash:
        yield Note("record", "nothing says which process crashed")
    elif "process/status" not in record.assets:
        yield Note("record", "the process was gone before its context could be read")
