"""A snapshot as an engineer wants to read it: what happened first, details below."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.errors import UsageError
from coresnap.model import Dropped, Snapshot, Thread
from coresnap.snapshot.alias_lines import alias_lines
from coresnap.snapshot.annotation_lines import annotation_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.heading import heading_lines, headline
from coresnap.snapshot.heap_lines import heap_lines
from coresnap.snapshot.module_lines import compiler_lines, module_lines
from coresnap.snapshot.process_lines import process_lines
from coresnap.snapshot.stacks import (
    declared_lines,
    folded,
    register_lines,
    thread_heading,
    thread_lines,
)
from coresnap.snapshot.verdict_lines import verdict_lines

__all__ = ["headline", "render"]

_PRIMARY_TIDS_SHOWN = 10


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
    heading = heading_lines(snapshot, page.display)
    sections = [heading, page.verdict(), *page.stacks(thread)]
    if not isinstance(thread, int):
        sections += [page.heaps(), page.globals(), page.process()]
        sections += [page.modules(), page.compilers()]
        sections += [page.dropped(), page.notes()]
    bodies = ["\n".join(section) for section in map(list, sections) if section]
    return "\n\n".join(body for body in bodies if body) + "\n"


class _Page(msgspec.Struct, frozen=True):
    """The sections of the text, each a sequence of lines."""

    snapshot: Snapshot
    display: Display

    def verdict(self) -> Iterator[str]:
        yield from verdict_lines(self.snapshot, self.display)
        yield from annotation_lines(
            self.snapshot.annotations, self.display.ink, indent="  "
        )

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
            if one.crashed:
                yield alias_lines(
                    self.snapshot, self.display, all_of_them=thread == "all"
                )
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

    def heaps(self) -> Iterator[str]:
        return heap_lines(self.snapshot.heaps, self.snapshot.blocks, self.display)

    def globals(self) -> Iterator[str]:
        if self.display.details and self.snapshot.globals:
            yield self.display.ink.title("globals")
            for variable in self.snapshot.globals:
                yield from declared_lines(variable, self.display, "  ")

    def process(self) -> Iterator[str]:
        if self.display.details:
            yield from process_lines(self.snapshot, self.display)

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
