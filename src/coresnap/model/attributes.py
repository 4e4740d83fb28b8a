"""Every attribute that analysis gives a snapshot: what it means, whence it comes.

An attribute is a queryable fact about a crash. ``docs/attributes.md`` is checked
against this table; analysis fills it, and the store has a typed column for each.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = [
    "ATTRIBUTES",
    "LOADS",
    "MEMINFO_BYTES",
    "STATUS_BYTES",
    "STATUS_COUNTS",
    "STATUS_TEXTS",
    "AttributeKind",
]


class AttributeKind(msgspec.Struct, frozen=True):
    """What an attribute's values mean."""

    kind: str
    """``integer``, ``number``, ``text``, or ``labels``: words separated by spaces."""
    format: str
    """How a value is written for people: ``bytes``, ``address``, ``uuid``, …; ``none``
    as it is."""
    unit: str
    """``bytes``, ``seconds``, ``count``, …; empty where there is none."""
    origin: str
    """Where the value comes from."""


STATUS_BYTES = {
    "VmData": "vm.data.size",
    "VmLck": "vm.locked.size",
    "VmPTE": "vm.pte.size",
    "VmHWM": "vm.rss.peak",
    "VmRSS": "vm.rss.size",
    "VmLib": "vm.shared.size",
    "VmStk": "vm.stack.size",
    "VmSwap": "vm.swap.size",
    "VmPeak": "vm.vma.peak",
    "VmSize": "vm.vma.size",
}
"""Field of ``/proc/PID/status``, in KiB there, to the attribute."""
STATUS_COUNTS = {
    "FDSize": "descriptor.count",
    "nonvoluntary_ctxt_switches": "sched.cs.involuntary",
    "voluntary_ctxt_switches": "sched.cs.voluntary",
}
"""The same, of fields that count."""
STATUS_TEXTS = {"Umask": "process.umask"}
"""The same, of fields that are no numbers."""
MEMINFO_BYTES = {
    "MemTotal": "system.memory.total",
    "MemFree": "system.memory.free",
    "MemAvailable": "system.memory.available",
    "Buffers": "system.memory.buffers",
    "Cached": "system.memory.cached",
    "Active": "system.memory.active",
    "Inactive": "system.memory.inactive",
    "Dirty": "system.memory.dirty",
    "Writeback": "system.memory.writeback",
    "Slab": "system.memory.slab",
    "SwapCached": "system.memory.swap.cached",
    "SwapFree": "system.memory.swap.free",
    "SwapTotal": "system.memory.swap.total",
    "VmallocTotal": "system.memory.vmalloc.total",
    "VmallocUsed": "system.memory.vmalloc.used",
    "VmallocChunk": "system.memory.vmalloc.chunk",
}
"""Field of ``/proc/meminfo``, in KiB there, to the attribute."""
LOADS = ("system.load.1", "system.load.5", "system.load.15")
"""Attributes in the order of ``/proc/loadavg``."""


def _text(origin: str, format: str = "none") -> AttributeKind:
    return AttributeKind("text", format, "", origin)


def _labels(origin: str) -> AttributeKind:
    return AttributeKind("labels", "labels", "", origin)


def _integer(origin: str, format: str = "none", unit: str = "") -> AttributeKind:
    return AttributeKind("integer", format, unit, origin)


def _number(origin: str, format: str = "none", unit: str = "") -> AttributeKind:
    return AttributeKind("number", format, unit, origin)


def _seconds(origin: str) -> AttributeKind:
    return _number(origin, "seconds", "seconds")


def _count(origin: str) -> AttributeKind:
    return _integer(origin, "none", "count")


def _bytes(path: str, names: Mapping[str, str]) -> dict[str, AttributeKind]:
    return {n: _integer(f"{path} {key}", "bytes", "bytes") for key, n in names.items()}


ATTRIBUTES: dict[str, AttributeKind] = {
    "application": _text("base name of the executable"),
    "capture.budget": _seconds("assets: how long the handler might hold the process"),
    "capture.door": _text("assets: `pipe` or `socket`"),
    "capture.parked": _seconds(
        "assets: how long the crashed process was held by the handler"
    ),
    "capture.rung": _text(
        "assets: how much was kept: `full`, `stacks`, `notes` or `record`"
    ),
    "capture.rung.reason": _text("assets: why it is not `full`"),
    "capture.way": _text("assets: `pipe`, `memory`, `stream`, `import` or `file`"),
    "callstack": _text("functions of the crashed thread", "callstack"),
    "callstack.files": _text("source files of those functions", "callstack"),
    "callstack.modules": _text("modules of those functions", "callstack"),
    "classifiers": _labels("names of the classifiers"),
    "container.hostname": _text(
        "assets: the host's name in the process's own namespace", "hostname"
    ),
    "container.id": _text("assets: /proc/PID/cgroup"),
    "container.image": _text(
        "assets: the variable CONTAINER_IMAGE, if environ.allow has it"
    ),
    "container.namespaces": _labels("assets: namespaces that are not the machine's"),
    "container.pid": _integer("/proc/PID/status NSpid, the last"),
    "container.pod": _text("assets: /proc/PID/cgroup, of Kubernetes", "uuid"),
    "container.runtime": _text("assets: /proc/PID/cgroup, else the variable container"),
    "container.user.id": _integer(
        "the kernel and /proc/PID/uid_map: user.id as the process saw it"
    ),
    "crash.kind": _text("assets: what admission tells faults apart by"),
    "crash.suppressed": _count(
        "assets: crashes of this kind not archived since the last one that was"
    ),
    "coresnap.given.command": _labels("attributes that defaults.command gave"),
    "coresnap.given.process": _labels("attributes that the process gave itself"),
    "coresnap.project": _text(
        "configuration: the application's project, else the first route's"
    ),
    "coresnap.object": _text("the archive's id on the crashed host", "uuid"),
    "descriptor.kqueue.events": _count(
        "the core's notes: what its kqueues were asked for, from FreeBSD 15 on"
    ),
    "fault.address": _integer("siginfo", "address"),
    "fingerprint.family": _text(
        "the kind of failure that the fingerprint counts: `memory`, `assert`, …"
    ),
    "fingerprint.late": _integer(
        "1: the damage was done earlier and elsewhere, to the heap", "boolean"
    ),
    "fingerprint.message": _text("expression of an assertion, type of an exception"),
    "fingerprint.version": _integer("of the fingerprint's rules"),
    "hostname": _text("assets, uname(2)", "hostname"),
    "kernel.cpu": _integer("the message buffer: the processor that panicked"),
    "kernel.dump": _text(
        "a kernel's dump: `minidump`, `full`, `textdump`, `info` or `kdump`"
    ),
    "kernel.panic": _text("the message buffer, else the dump's header: its words"),
    "kernel.process.id": _integer("the trap's report: the current process"),
    "kernel.process.name": _text("the trap's report: the current process"),
    "kernel.trap": _text("the trap's report: what the processor refused"),
    "kernel.version": _text("the dump's header, else what the kernel said"),
    "process.abi": _text("the core's notes: whose system calls it spoke"),
    "process.age": _seconds("start time in /proc/PID/stat, or in the notes, to crash"),
    "process.id": _integer("the core's notes"),
    "process.jail": _integer("the core's notes: the jail's number, 0 outside of any"),
    "process.login": _text("the core's notes: the session's user"),
    "process.osrel": _integer(
        "the core's notes: the FreeBSD that the program was built for"
    ),
    "process.threads": _count("threads in the core"),
    "process.time.system": _seconds("the core's notes: in the kernel, of its threads"),
    "process.time.user": _seconds("the core's notes: outside the kernel, the same"),
    "process.umask": _text("/proc/PID/status Umask, octal"),
    "python.version": _text("the CPython that the core holds"),
    "signal": _text("the core's notes, named by its system"),
    "timestamp": _integer(
        "time of the crash, UTC since the epoch", "timestamp", "seconds"
    ),
    "uname.machine": _text("assets, uname(2)"),
    "uname.osreldate": _integer("the core's notes: FreeBSD's kernel, as `1302001`"),
    "uname.release": _text("assets, uname(2)"),
    "uname.sysname": _text("assets, uname(2)"),
    "uname.version": _text("assets, uname(2)"),
    "user.id": _integer("the kernel, assets"),
    **_bytes("/proc/PID/status", STATUS_BYTES),
    **{n: _count(f"/proc/PID/status {k}") for k, n in STATUS_COUNTS.items()},
    **_bytes("/proc/meminfo", MEMINFO_BYTES),
    **{n: _number("/proc/loadavg") for n in LOADS},
    "system.uptime": _seconds("/proc/uptime"),
}
"""By name, without those that an operator or the process itself gave."""
