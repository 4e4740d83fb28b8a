"""Queryable facts about a crash: what is counted and grouped over a fleet.

``model.attributes`` names every attribute with its kind and origin. Sizes are bytes
throughout: ``/proc`` says kB where it means KiB (Linux ``fs/proc/task_mmu.c``), so
those numbers are multiplied by 1024 here.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.capture import CRASH, CaptureFacts, json_object
from coresnap.model import Frame, Signal
from coresnap.model.attributes import (
    ATTRIBUTES,
    LOADS,
    MEMINFO_BYTES,
    STATUS_BYTES,
    STATUS_COUNTS,
    STATUS_TEXTS,
)

if TYPE_CHECKING:
    from coresnap.elfcore.process_state import Clock, ProcessState

__all__ = [
    "Facts",
    "attributes_of",
    "callstack_attributes",
]

AttributeValue = int | float | str


class Facts(msgspec.Struct, frozen=True):
    """What the attributes are drawn from."""

    pid: int | None
    application: str
    signal: Signal | None
    frames: Sequence[Frame]
    """Of the crashed thread, innermost first."""
    classifiers: Sequence[str]
    thread_count: int
    assets: Mapping[str, bytes]
    """Assets tar: member name to contents; empty when there are none."""
    capture: CaptureFacts = msgspec.field(default_factory=CaptureFacts)
    """How the core was taken, by those assets."""
    python_version: str | None = None
    """Of the CPython whose frames were read."""
    system: str = ""
    """Whose core it is."""
    state: ProcessState | None = None
    """What the core's notes say of the process."""
    clock: Clock | None = None
    """What time it was, by the core."""


_MOST_FRAMES = 64
_LAST_RELEASE = 1 << 31
_MOST_DIGITS = 20  # of a 64-bit number
_KIB = 1024
_NANOSECONDS = 10**9
_USER_HZ = 100  # fixed in the kernel's ABI, whatever CONFIG_HZ is
_START_TIME = 20  # field 22 of stat, counted from the one behind comm
_CRASH_FIELDS: tuple[tuple[str, str, type[int] | type[str]], ...] = (
    ("coresnap.object", "id", str),
    ("crash.kind", "kind", str),
    ("crash.suppressed", "suppressed", int),
    ("hostname", "hostname", str),
    ("user.id", "uid", int),
)
_UNAME = ("sysname", "nodename", "release", "version", "machine")


def attributes_of(facts: Facts) -> dict[str, AttributeValue]:
    """Draw every attribute that the facts can give; what is not known is left out."""
    found: dict[str, AttributeValue] = {}
    for source in _SOURCES:
        found.update(source(facts))
    return dict(sorted(found.items()))


def _of_core(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    yield "application", facts.application
    yield "process.threads", facts.thread_count
    if facts.pid is not None:
        yield "process.id", facts.pid
    if facts.classifiers:
        yield "classifiers", " ".join(facts.classifiers)
    if facts.python_version is not None:
        yield "python.version", facts.python_version
    if facts.signal is not None:
        yield "signal", facts.signal.name
        if facts.signal.address is not None:
            yield "fault.address", facts.signal.address


def _of_state(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    state = facts.state
    if state is None:
        return
    usages = [thread.usage for thread in state.threads]
    values: dict[str, AttributeValue | None] = {
        "descriptor.kqueue.events": state.kqueue_events,
        "process.abi": state.emulation or None,
        "process.jail": state.jail,
        "process.login": state.login or None,
        "process.osrel": state.program_release,
        "process.time.system": round(sum(u.system for u in usages), 6),
        "process.time.user": round(sum(u.user for u in usages), 6),
        "uname.osreldate": _release(state.kernel_release),
        "uname.sysname": facts.system,
        "user.id": None if state.credentials is None else state.credentials.user,
    }
    for name, value in values.items():
        if value is not None:
            yield name, value


def _release(number: int | None) -> int | None:
    """AT_OSRELDATE, a word of the process's own memory."""
    return number if number is not None and number < _LAST_RELEASE else None


def _of_clock(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    """A time that the handler noted is better, and replaces it."""
    clock = facts.clock
    if clock is None:
        return
    yield "timestamp", int(clock.now)
    yield "system.uptime", round(clock.uptime, 2)
    start = facts.state.start_time if facts.state is not None else None
    if start is not None and 0 < start <= clock.now:
        yield "process.age", round(clock.now - start, 2)


def callstack_attributes(frames: Sequence[Frame]) -> dict[str, AttributeValue]:
    """Draw the attributes of a stack alone, its innermost frame first."""
    return dict(_of_frames(frames))


def _of_crashed_thread(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    return _of_frames(facts.frames)


def _of_frames(frames: Sequence[Frame]) -> Iterator[tuple[str, AttributeValue]]:
    frames = frames[:_MOST_FRAMES]
    if frames:
        yield "callstack", "\n".join(f.function or f"{f.pc:#x}" for f in frames)
        modules = [os.path.basename(f.module or "?") for f in frames]
        yield "callstack.modules", "\n".join(modules)
    if files := [os.path.basename(f.file) for f in frames if f.file]:
        yield "callstack.files", "\n".join(files)


def _of_crash(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    crash = json_object(facts.assets.get(CRASH, b""))
    for attribute, key, kind in _CRASH_FIELDS:
        value = crash.get(key)
        if isinstance(value, kind) and not isinstance(value, bool):
            yield attribute, value
    if isinstance(crash.get("time"), int):
        yield "timestamp", crash["time"] // _NANOSECONDS


def _of_capture(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    capture = facts.capture
    for name, nanoseconds in (("parked", capture.parked), ("budget", capture.budget)):
        if nanoseconds is not None:
            yield f"capture.{name}", nanoseconds / _NANOSECONDS
    for name, text in (("door", capture.door), ("way", capture.way)):
        if text is not None:
            yield f"capture.{name}", text
    if capture.rung is not None:
        yield "capture.rung", capture.rung
    if capture.is_thin and capture.reason is not None:
        yield "capture.rung.reason", capture.reason


def _of_container(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    if not facts.assets:
        return
    # Twenty expressions to compile, for which a core alone has no use.
    from coresnap.analysis.container import container_of

    uid = json_object(facts.assets.get(CRASH, b"")).get("uid")
    found = container_of(facts.assets, uid if isinstance(uid, int) else None)
    values = {
        "hostname": found.hostname,
        "id": found.id,
        "image": found.image,
        "namespaces": " ".join(found.namespaces) or None,
        "pid": found.pid,
        "pod": found.pod,
        "runtime": found.runtime,
        "user.id": found.uid,
    }
    for name, value in values.items():
        if value is not None:
            yield f"container.{name}", value


def _of_status(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    status = _fields(facts.assets.get("process/status", b""))
    yield from _scaled(status, STATUS_BYTES, _KIB)
    yield from _scaled(status, STATUS_COUNTS, 1)
    texts = _texts(facts.assets.get("process/status", b""))
    for key, attribute in STATUS_TEXTS.items():
        if key in texts:
            yield attribute, texts[key]
    age = _process_age(facts.assets)
    if age is not None:
        yield "process.age", age


def _of_system(facts: Facts) -> Iterator[tuple[str, AttributeValue]]:
    yield from _scaled(
        _fields(facts.assets.get("system/meminfo", b"")), MEMINFO_BYTES, _KIB
    )
    loads = facts.assets.get("system/loadavg", b"").split()
    for name, text in zip(LOADS, loads, strict=False):
        if (load := _number(text)) is not None:
            yield name, load
    if (uptime := _uptime(facts.assets)) is not None:
        yield "system.uptime", uptime
    names = facts.assets.get("system/uname", b"").decode("utf-8", "replace")
    for key, name in zip(_UNAME, names.splitlines(), strict=False):
        if f"uname.{key}" in ATTRIBUTES:
            yield f"uname.{key}", name


def _process_age(assets: Mapping[str, bytes]) -> float | None:
    """Seconds from the process's start to the crash (proc(5): stat field 22)."""
    uptime = _uptime(assets)
    # comm, field 2, may hold spaces and parentheses: count from the last one.
    _, _, rest = assets.get("process/stat", b"").rpartition(b")")
    fields = rest.split()
    if uptime is None or len(fields) < _START_TIME:
        return None
    start = _number(fields[_START_TIME - 1])
    return None if start is None else round(uptime - start / _USER_HZ, 2)


def _uptime(assets: Mapping[str, bytes]) -> float | None:
    fields = assets.get("system/uptime", b"").split()
    return _number(fields[0]) if fields else None


def _fields(text: bytes) -> dict[str, int]:
    """Parse ``Name:  123 kB`` lines; lines without a number are left out."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split()
        if words and words[0].isdigit() and len(words[0]) <= _MOST_DIGITS:
            found[name.decode("utf-8", "replace")] = int(words[0])
    return found


def _texts(text: bytes) -> dict[str, str]:
    """Parse ``Name:  word`` lines."""
    lines = (
        line.partition(":") for line in text.decode("utf-8", "replace").split("\n")
    )
    return {name: rest.strip() for name, _, rest in lines if rest.strip()}


def _scaled(
    fields: Mapping[str, int], names: Mapping[str, str], factor: int
) -> Iterator[tuple[str, AttributeValue]]:
    for key, attribute in names.items():
        if key in fields and fields[key] * factor < 1 << 64:
            yield attribute, fields[key] * factor


def _number(text: bytes) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_SOURCES = (
    _of_core,
    _of_state,
    _of_clock,
    _of_crashed_thread,
    _of_crash,
    _of_capture,
    _of_container,
    _of_status,
    _of_system,
)
