"""A snapshot as an engineer wants to read it: what happened first, details below."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from coresnap.errors import UsageError
from coresnap.model import Dropped, Snapshot, Thread
from coresnap.snapshot.capture_lines import capture_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.module_lines import compiler_lines, module_lines
from coresnap.snapshot.stacks import (
    declared_lines,
    folded,
    register_lines,
    thread_heading,
    thread_lines,
)

__all__ = ["headline", "render"]

_PRIMARY_TIDS_SHOWN = 10
_CONTAINER_WORDS = {
    "pod": "pod",
    "hostname": "host",
    "pid": "pid",
    "user.id": "user",
    "namespaces": "own",
}
"""Attribute below ``container.`` to what it is called in a line."""


def render(
    snapshot: Snapshot,
    *,
    thread: str | int = "crashed",
    display: Display | None = None,
) -> str:
    """Return ``snapshot`` as text that ends with a newline.

    ``thread`` says which threads are shown in full: ``"crashed"`` (the others are
    folded to one stack per place), ``"all"``, or a thread id alone. Everything that
    the process chose is escaped. Raises UsageError if there is no such thread.
    """
    page = _Page(snapshot, display or Display())
    sections = [page.top(), *page.stacks(thread)]
    if not isinstance(thread, int):
        sections += [page.globals(), page.modules(), page.compilers()]
        sections += [page.dropped(), page.notes()]
    bodies = ["\n".join(section) for section in map(list, sections) if section]
    return "\n\n".join(body for body in bodies if body) + "\n"


def headline(snapshot: Snapshot) -> str:
    """Return one line: which program, why, where, when."""
    name = snapshot.attributes.get("application") or snapshot.command or "?"
    text = printable(str(name))
    if snapshot.pid is not None:
        text += f" (pid {snapshot.pid})"
    signal = snapshot.signal
    if signal is None and snapshot.attributes.get("capture.rung") == "record":
        text += " crashed"
    elif signal is None:
        text += " was alive when this core was taken"
    else:
        text += f" crashed by {printable(signal.name)}"
        if signal.code_name:
            text += f" ({printable(signal.code_name)})"
        if signal.address is not None:
            text += f" at address {signal.address:#x}"
    return text + _when(snapshot)


def _when(snapshot: Snapshot) -> str:
    stamp = snapshot.attributes.get("timestamp")
    if not isinstance(stamp, int | float):
        return ""
    try:
        time = datetime.datetime.fromtimestamp(stamp, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return f" on {time:%Y-%m-%d %H:%M:%S} UTC"


class _Page(msgspec.Struct, frozen=True):
    """The sections of the text, each a sequence of lines."""

    snapshot: Snapshot
    display: Display

    def top(self) -> Iterator[str]:
        snapshot = self.snapshot
        yield self.display.ink.alarm(headline(snapshot))
        if snapshot.signal and snapshot.signal.description:
            yield f"  {printable(snapshot.signal.description)}"
        if snapshot.signal and snapshot.signal.sender_pid is not None:
            yield f"  sent by process {snapshot.signal.sender_pid}{self._sender()}"
        if snapshot.truncated:
            yield self.display.ink.alarm(
                "  the core is truncated: parts of this are missing"
            )
        if snapshot.arguments:
            yield f"  command      {printable(snapshot.arguments)}"
        yield f"  system       {self._system()}"
        yield from self._container()
        yield from capture_lines(snapshot)
        if snapshot.fingerprint:
            yield f"  fingerprint  {printable(snapshot.fingerprint[:16])}"
        reason = printable(snapshot.quality_reason)
        yield f"  quality      {snapshot.quality}/100" + (reason and f" ({reason})")
        yield from self._classifiers()

    def _sender(self) -> str:
        signal = self.snapshot.signal
        if signal is None or signal.sender_uid is None:
            return ""
        return f" of user {signal.sender_uid}"

    def _system(self) -> str:
        known = self.snapshot.attributes
        names = ("uname.release", "hostname")
        extra = [str(known[name]) for name in names if known.get(name)]
        parts = [self.snapshot.system, self.snapshot.architecture, *extra]
        return printable(" ".join(parts))

    def _container(self) -> Iterator[str]:
        prefix = "container."
        known = {
            name.removeprefix(prefix): str(value)
            for name, value in self.snapshot.attributes.items()
            if name.startswith(prefix)
        }
        parts = [known[name] for name in ("runtime", "id", "image") if known.get(name)]
        words = [" ".join(parts)] if parts else []
        words += [
            f"{label} {known[name]}"
            for name, label in _CONTAINER_WORDS.items()
            if known.get(name)
        ]
        if words:
            yield f"  container    {printable('; '.join(words))}"

    def _classifiers(self) -> Iterator[str]:
        for classifier in self.snapshot.classifiers:
            name = self.display.ink.title(f"{printable(classifier.name):<12}")
            evidence = "; ".join(map(printable, classifier.evidence))
            yield f"  {name} {printable(classifier.confidence)}: {evidence}"

    def stacks(self, thread: str | int) -> Iterator[Iterator[str]]:
        threads = self.snapshot.threads
        if isinstance(thread, int):
            yield self._full(self._find(thread))
            return
        full = [t for t in threads if t.crashed or thread == "all"]
        if thread == "all" and not self.display.details:
            for group in folded(threads):
                yield self._folded(group)
            return
        # Without a crashed thread (a live process) the first one stands for it.
        full = full or list(threads[:1])
        for one in full:
            yield self._full(one)
        rest = [t for t in threads if all(t is not one for one in full)]
        for group in folded(rest):
            yield self._folded(group)

    def _find(self, tid: int) -> Thread:
        for thread in self.snapshot.threads:
            if thread.tid == tid:
                return thread
        tids = [str(thread.tid) for thread in self.snapshot.threads]
        shown = ", ".join(tids[:_PRIMARY_TIDS_SHOWN])
        more = ", …" if len(tids) > _PRIMARY_TIDS_SHOWN else ""
        raise UsageError(
            f"the snapshot has no thread {tid}",
            remedy=f"Its threads are {shown}{more}." if tids else "It has no threads.",
        )

    def _full(self, thread: Thread) -> Iterator[str]:
        yield thread_heading([thread], self.display.ink)
        yield from thread_lines(thread, self.display)
        if self.display.details and thread.registers:
            yield self.display.ink.title("registers")
            yield from register_lines(thread.registers, self.display.width)

    def _folded(self, threads: list[Thread]) -> Iterator[str]:
        yield thread_heading(threads, self.display.ink)
        brief = msgspec.structs.replace(self.display, details=False)
        yield from thread_lines(threads[0], brief)

    def globals(self) -> Iterator[str]:
        if self.display.details and self.snapshot.globals:
            yield self.display.ink.title("globals")
            for variable in self.snapshot.globals:
                yield from declared_lines(variable, self.display, "  ")

    def modules(self) -> Iterator[str]:
        if self.snapshot.modules:
            yield self.display.ink.title("modules")
            yield from module_lines(self.snapshot.modules, self.display)

    def compilers(self) -> Iterator[str]:
        if self.display.searches:
            lines = list(compiler_lines(self.snapshot.threads))
            if lines:
                yield self.display.ink.title("compilers")
                yield from lines

    def dropped(self) -> Iterator[str]:
        if self.snapshot.dropped:
            yield self.display.ink.title("left out")
            yield from map(_dropped_line, self.snapshot.dropped)

    def notes(self) -> Iterator[str]:
        if self.snapshot.notes:
            yield self.display.ink.title("notes")
            for note in self.snapshot.notes:
                yield f"  {printable(note.step)}: {printable(note.message)}"


def _dropped_line(dropped: Dropped) -> str:
    amount = f"{dropped.count} {printable(dropped.what)}"
    if dropped.what == "memory":
        amount = f"{dropped.count} bytes of memory"
    of = "" if dropped.tid is None else f" of thread {dropped.tid}"
    return f"  {amount}{of}: {printable(dropped.reason)}"
