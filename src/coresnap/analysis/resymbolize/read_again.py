"""Names, lines and variables for frames that had none, from files that came later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.attributes import callstack_attributes
from coresnap.analysis.capture import capture_facts
from coresnap.analysis.fingerprint import (
    Fingerprint,
    fingerprint,
    fingerprint_attributes,
    recorded_circumstances,
)
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.quality.score import score_quality
from coresnap.analysis.resymbolize.remains import core_of
from coresnap.analysis.resymbolize.stacks import join_stacks
from coresnap.analysis.search_places import SearchPlaces
from coresnap.analysis.summary import summarise
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.model import Frame, Module, Note, Snapshot, Thread
from coresnap.snapshot.folding import fold, unfold

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset
    from coresnap.elfcore.corefile import CoreFile

__all__ = ["resymbolize"]

_SYMBOLS = ("none", "dynsym", "symtab", "dwarf")
"""``Module.symbols``, from nothing to all."""


def resymbolize(
    snapshot: Snapshot, places: SearchPlaces, rulesets: Sequence[Ruleset] = ()
) -> Snapshot | None:
    """Return ``snapshot`` with what the files in ``places`` add, or None if nothing.

    What the whole core told stays: nothing known becomes unknown, and the verdict is
    the first one's. Stacks, callstack, fingerprint, quality and summary follow the new
    names.
    """
    with places.debug_files() as files:
        core = core_of(snapshot, files.stored)
        if core is None:
            return None
        with core, FrameBuilder(core, debug_files=files) as builder:
            unwinder = Unwinder(core, debug_file=files.separate_elf)
            threads = [
                thread
                if thread.like is not None
                else _read(core, thread, unwinder, builder)
                for thread in snapshot.threads
            ]
            modules = tuple(_modules(snapshot.modules, builder.modules()))
    threads = list(unfold(fold(threads)))
    if modules == snapshot.modules and threads == list(snapshot.threads):
        return None
    return _told_again(snapshot, threads, modules, rulesets)


def _read(
    core: CoreFile, thread: Thread, unwinder: Unwinder, builder: FrameBuilder
) -> Thread:
    numbers = core.architecture.numbers
    registers = {numbers[n]: v for n, v in thread.registers.items() if n in numbers}
    stack = join_stacks(core, thread, unwinder.unwind(registers))
    frames = builder.frames(stack, deep=thread.crashed)
    builder.take_unread()
    return msgspec.structs.replace(
        thread, frames=tuple(_joined(thread.frames, frames)), end=stack.end
    )


def _modules(before: Sequence[Module], after: Sequence[Module]) -> Iterator[Module]:
    found = {module.start: module for module in after}
    for module in before:
        again = found.get(module.start, module)
        better = _SYMBOLS.index(again.symbols) > _SYMBOLS.index(module.symbols)
        yield again if better else module


# --- frames -------------------------------------------------------------------


def _joined(before: Sequence[Frame], after: Sequence[Frame]) -> Iterator[Frame]:
    """Of each activation what is known best; ``after`` may have more of them."""
    old, new = _activations(before), _activations(after)
    for index, again in enumerate(new):
        known = old[index] if index < len(old) else ()
        if known and known[-1].pc == again[-1].pc:
            yield from _better(known, again)
        else:
            yield from again
    # An interpreter's frames that no native one was found for.
    if old and old[-1][-1].interpreter is not None:
        yield from old[-1]


def _activations(frames: Sequence[Frame]) -> list[tuple[Frame, ...]]:
    """Each physical frame with the calls inlined into it, and what it interprets."""
    found, group = [], []
    for frame in frames:
        group.append(frame)
        if not frame.inline and frame.interpreter is None:
            found.append(tuple(group))
            group = []
    return [*found, tuple(group)] if group else found


def _better(known: tuple[Frame, ...], again: tuple[Frame, ...]) -> tuple[Frame, ...]:
    if _knowledge(again[-1]) <= _knowledge(known[-1]):
        return known
    before, after = known[-1], again[-1]
    last = msgspec.structs.replace(
        after,
        trust=before.trust,
        variables=after.variables or before.variables,
        annotations=before.annotations,
        left_out=before.left_out,
        unwind_entry=None if after.function else before.unwind_entry,
    )
    interpreted = tuple(frame for frame in known if frame.interpreter is not None)
    return (*interpreted, *again[:-1], last)


def _knowledge(frame: Frame) -> tuple[bool, bool, bool]:
    return frame.function is not None, frame.line is not None, bool(frame.variables)


# --- what follows from them ---------------------------------------------------


def _told_again(
    snapshot: Snapshot,
    threads: Sequence[Thread],
    modules: tuple[Module, ...],
    rulesets: Sequence[Ruleset],
) -> Snapshot:
    capture = capture_facts(snapshot.assets)
    quality = score_quality(
        threads, modules, truncated=snapshot.truncated, capture=capture
    )
    signed = _signed(snapshot, threads, rulesets)
    frames = threads[0].frames if threads else ()
    application = _application(snapshot)
    attributes = {
        **snapshot.attributes,
        **callstack_attributes(frames),
        **fingerprint_attributes(signed),
    }
    return msgspec.structs.replace(
        snapshot,
        threads=tuple(threads),
        modules=modules,
        quality=quality.score,
        quality_reason=quality.reason,
        quality_parts=quality.parts,
        fingerprint=signed.digest,
        fingerprint_frames=signed.frames,
        callstack=signed.callstack,
        attributes=dict(sorted(attributes.items())),
        summary=summarise(application, snapshot.signal, threads, snapshot.classifiers),
        notes=(*snapshot.notes, _note(snapshot.modules, modules)),
    )


def _signed(
    snapshot: Snapshot, threads: Sequence[Thread], rulesets: Sequence[Ruleset]
) -> Fingerprint:
    facts = recorded_circumstances(
        snapshot.signal, snapshot.system, snapshot.pid, snapshot.attributes
    )
    frames = threads[0].frames if threads else ()
    return fingerprint(_application(snapshot), facts.signal, frames, facts, rulesets)


def _application(snapshot: Snapshot) -> str:
    return str(snapshot.attributes.get("application") or snapshot.command or "?")


def _note(before: Sequence[Module], after: Sequence[Module]) -> Note:
    names = [
        now.path
        for was, now in zip(before, after, strict=True)
        if was.symbols != now.symbols
    ]
    return Note("symbols", f"read again with symbols of {', '.join(names) or 'more'}")
