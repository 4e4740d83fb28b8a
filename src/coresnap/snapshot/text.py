"""A snapshot as an engineer wants to read it: what happened first, details below."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from coresnap.errors import UsageError
from coresnap.model import Module, Snapshot, Thread
from coresnap.snapshot.capture_lines import capture_lines
from coresnap.snapshot.escape import printable
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.stacks import (
    folded,
    register_lines,
    thread_heading,
    thread_lines,
)
from coresnap.snapshot.values import variable_lines

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
    variables: bool = True,
    width: int = 100,
    colour: bool = False,
) -> str:
    """Return ``snapshot`` as text that ends with a newline.

    ``thread`` says which threads are shown in full: ``"crashed"`` (the others are
    folded to one stack per place), ``"all"``, or a thread id alone. ``variables``
    also governs source lines. ``width`` bounds tables and one-line values, not names
    and paths. Everything that the process chose is escaped. Raises UsageError if
    there is no such thread.
    """
    page = _Page(snapshot, Ink(colour), width, variables)
    sections = [page.top(), *page.stacks(thread)]
    if not isinstance(thread, int):
        sections += [page.globals(), page.modules(), page.notes()]
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
    ink: Ink
    width: int
    details: bool

    def top(self) -> Iterator[str]:
        snapshot = self.snapshot
        yield self.ink.alarm(headline(snapshot))
        if snapshot.signal and snapshot.signal.description:
            yield f"  {printable(snapshot.signal.description)}"
        if snapshot.signal and snapshot.signal.sender_pid is not None:
            yield f"  sent by process {snapshot.signal.sender_pid}{self._sender()}"
        if snapshot.truncated:
            yield self.ink.alarm("  the core is truncated: parts of this are missing")
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
            name = self.ink.title(f"{printable(classifier.name):<12}")
            evidence = "; ".join(map(printable, classifier.evidence))
            yield f"  {name} {printable(classifier.confidence)}: {evidence}"

    def stacks(self, thread: str | int) -> Iterator[Iterator[str]]:
        threads = self.snapshot.threads
        if isinstance(thread, int):
            yield self._full(self._find(thread))
            return
        full = [t for t in threads if t.crashed or thread == "all"]
        if thread == "all" and not self.details:
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
        yield thread_heading([thread], self.ink)
        yield from thread_lines(
            thread, self.ink, width=self.width, details=self.details
        )
        if self.details and thread.registers:
            yield self.ink.title("registers")
            yield from register_lines(thread.registers, self.width)

    def _folded(self, threads: list[Thread]) -> Iterator[str]:
        yield thread_heading(threads, self.ink)
        yield from thread_lines(threads[0], self.ink, width=self.width, details=False)

    def globals(self) -> Iterator[str]:
        if self.details and self.snapshot.globals:
            yield self.ink.title("globals")
            for variable in self.snapshot.globals:
                yield from variable_lines(variable, self.width, "  ")

    def modules(self) -> Iterator[str]:
        if self.snapshot.modules:
            yield self.ink.title("modules")
            for module in self.snapshot.modules:
                yield f"  {module.start:#018x} {self._module(module)}"

    def _module(self, module: Module) -> str:
        text = f"{printable(module.symbols):<7} {printable(module.path)}"
        if module.build_id:
            text += f"  {self.ink.doubt(printable(module.build_id[:12]))}"
        if module.problem:
            text += f"  {self.ink.alarm('(' + printable(module.problem) + ')')}"
        return text

    def notes(self) -> Iterator[str]:
        if self.snapshot.notes:
            yield self.ink.title("notes")
            for note in self.snapshot.notes:
                yield f"  {printable(note.step)}: {printable(note.message)}"
