"""From a core to a snapshot: ``STEPS`` is the whole analysis on one screen."""

from __future__ import annotations

import functools
import os.path
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.attributes import Facts, attributes_of
from coresnap.analysis.capture import CaptureFacts, capture_facts, capture_notes
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.remarks import remarks_on_conclusions
from coresnap.analysis.classify.verdict import Verdict, judge, judge_again
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.fingerprint import (
    circumstances_of,
    fingerprint,
    fingerprint_attributes,
)
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.globals import GlobalsFinder
from coresnap.analysis.globals_choice import GlobalsChoice
from coresnap.analysis.quality.score import score_quality
from coresnap.analysis.remarks import (
    annotated_frames,
    annotated_threads,
    annotated_variables,
)
from coresnap.analysis.retained_assets import retained_assets
from coresnap.analysis.retained_memory import Span, retained_memory
from coresnap.analysis.signals import explain_signal, is_fault
from coresnap.analysis.source import SourceReader
from coresnap.analysis.source_paths import SourcePaths
from coresnap.analysis.summary import summarise
from coresnap.analysis.threads import ThreadReader
from coresnap.analysis.unwind.stack import Stack
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import (
    Alias,
    Allocator,
    Block,
    Classifier,
    Dropped,
    Instruction,
    MemoryRange,
    Module,
    Note,
    QualityPart,
    Signal,
    Snapshot,
    Thread,
    Variable,
)

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.analysis.messages.message import Message
    from coresnap.config.rulesets import Ruleset

if TYPE_CHECKING:
    from coresnap.analysis.heap.heaps import Heaps

__all__ = ["STEPS", "Progress", "run_steps"]

Progress = Callable[[str], None]


class _Workbench(msgspec.Struct):
    """What the steps have found so far. Later steps read what earlier ones left."""

    core: CoreFile
    assets: Mapping[str, bytes]
    debug_files: DebugFiles
    sysroot: Path | None
    source_paths: SourcePaths | None
    capture: CaptureFacts
    wanted_globals: GlobalsChoice
    alias_limits: AliasLimits
    signal: Signal | None = None
    fault: Fault | None = None
    stacks: list[Stack] = msgspec.field(default_factory=list)
    threads: list[Thread] = msgspec.field(default_factory=list)
    modules: list[Module] = msgspec.field(default_factory=list)
    globals: tuple[Variable, ...] = ()
    messages: Sequence[Message] = ()
    python_version: str | None = None
    heaps: Heaps | None = None
    allocators: tuple[Allocator, ...] = ()
    classifiers: tuple[Classifier, ...] = ()
    aliases: tuple[Alias, ...] = ()
    blocks: tuple[Block, ...] = ()
    summary: str = ""
    fingerprint: str = ""
    fingerprint_frames: tuple[str, ...] = ()
    callstack: tuple[str, ...] = ()
    rulesets: Sequence[Ruleset] = ()
    quality: int = 0
    quality_reason: str = ""
    quality_parts: tuple[QualityPart, ...] = ()
    attributes: dict[str, int | float | str] = msgspec.field(default_factory=dict)
    visited_by_crashed: Sequence[Span] = ()
    visited: Sequence[Span] = ()
    visited_by_fault: Sequence[Span] = ()
    memory: tuple[MemoryRange, ...] = ()
    dropped: list[Dropped] = msgspec.field(default_factory=list)
    notes: list[Note] = msgspec.field(default_factory=list)

    @property
    def instruction(self) -> Instruction | None:
        """The instruction that failed."""
        return self.fault.instruction if self.fault is not None else None

    @property
    def application(self) -> str:
        """Base name of the executable, else the process name."""
        executable = self.core.executable_path
        if executable:
            return os.path.basename(executable)
        return self.core.process.command or "?"


def run_steps(
    core: CoreFile,
    debug_files: DebugFiles,
    *,
    sysroot: Path | None = None,
    source_paths: SourcePaths | None = None,
    assets: Mapping[str, bytes] | None = None,
    wanted_globals: GlobalsChoice | None = None,
    rulesets: Sequence[Ruleset] = (),
    alias_limits: AliasLimits | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Analyse an open core into a snapshot.

    Of the globals, those of the crashed module are read where nothing else is wanted.

    ``debug_files`` stay the caller's. A step that fails leaves a note and the rest
    goes on. ``progress`` is told the name of each step as it begins.
    """
    assets = assets or {}
    wanted = wanted_globals or GlobalsChoice("crashed")
    bench = _Workbench(
        core,
        assets,
        debug_files,
        sysroot,
        source_paths,
        capture_facts(assets),
        wanted,
        alias_limits or AliasLimits(),
    )
    bench.notes.extend(core.notes_to_reader)
    bench.notes.extend(capture_notes(bench.capture))
    bench.rulesets = rulesets
    for name, step in STEPS:
        if progress is not None:
            progress(name)
        _run(bench, name, step)
    if progress is not None:
        progress("snapshot")
    return _with_plugins(bench, _snapshot(bench))


def _run(bench: _Workbench, name: str, step: Callable[[_Workbench], None]) -> None:
    # The one place that catches everything: a core is attacker-chosen bytes, and a
    # bug that one of them reaches may cost that step, never the whole answer.
    try:
        step(bench)
    except Exception as error:
        bench.notes.append(Note(name, f"{type(error).__name__}: {error}"))


def _explain_signal(bench: _Workbench) -> None:
    raw = bench.core.signal
    if raw is not None:
        bench.signal = explain_signal(
            bench.core.system,
            raw.number,
            raw.code,
            raw.address,
            (raw.sender_pid, raw.sender_uid),
            bench.core.process.pid,
        )


def _unwind(bench: _Workbench) -> None:
    unwinder = Unwinder(bench.core, debug_file=bench.debug_files.separate_elf)
    bench.stacks = [unwinder.unwind(t.registers) for t in bench.core.threads]


def _open_debug_files(bench: _Workbench) -> None:
    frames = (frame for stack in bench.stacks for frame in stack.frames)
    modules = {f.module.start: f.module for f in frames if f.module is not None}
    bench.debug_files.open_ahead(modules.values())


def _build_frames(bench: _Workbench) -> None:
    with FrameBuilder(
        bench.core,
        debug_files=bench.debug_files,
        sysroot=bench.sysroot,
        source_paths=bench.source_paths,
    ) as builder:
        _add_threads(bench, builder)
        _run(bench, "globals", functools.partial(_add_globals, builder))
        bench.visited = builder.take_visited()
        bench.modules = list(builder.modules())
        bench.notes.extend(builder.notes())


def _add_threads(bench: _Workbench, builder: FrameBuilder) -> None:
    reader = ThreadReader(bench.core, bench.stacks, bench.assets, builder)
    for index in reader.order.whole:
        _run(bench, "frames", functools.partial(_read_thread, reader, index))
        if index == 0:
            bench.visited_by_crashed = builder.take_visited()
    bench.threads = reader.threads()
    bench.dropped.extend(reader.dropped)
    bench.dropped.extend(builder.dropped())


def _add_globals(builder: FrameBuilder, bench: _Workbench) -> None:
    tids = [thread.tid for thread in bench.core.threads]
    threads = list(zip(tids, bench.stacks, strict=False))
    finder = GlobalsFinder(builder, threads, bench.wanted_globals)
    bench.globals = finder.read()
    bench.dropped.extend(finder.dropped)
    bench.notes.extend(finder.notes)


def _read_thread(reader: ThreadReader, index: int, _: _Workbench) -> None:
    reader.read(index)


def _interpret(bench: _Workbench) -> None:
    from coresnap.analysis.interpreters.threads import interpreted_threads

    source = SourceReader(bench.sysroot, bench.source_paths)
    found = interpreted_threads(bench.core, bench.threads, source)
    bench.threads = list(found.threads)
    bench.python_version = found.version
    bench.notes.extend(found.notes)


def _retain_memory(bench: _Workbench) -> None:
    retained = retained_memory(
        bench.core, bench.visited_by_crashed, bench.visited, bench.visited_by_fault
    )
    bench.memory = retained.ranges
    bench.dropped.extend(retained.dropped)


def _find_messages(bench: _Workbench) -> None:
    from coresnap.analysis.messages.giving_up import gave_up

    frames = bench.threads[0].frames if bench.threads else ()
    if not gave_up(bench.signal, frames):
        return
    from coresnap.analysis.messages.dead_process import DeadProcess
    from coresnap.analysis.messages.find import find_messages

    process = DeadProcess(bench.core, bench.threads, bench.stacks)
    found = find_messages(process, bench.assets)
    bench.messages = found.messages
    bench.notes.extend(found.notes)


def _find_fault(bench: _Workbench) -> None:
    if bench.signal is None or not bench.stacks:
        return
    handled = any(frame.signal_frame for frame in bench.stacks[0].frames)
    if not handled and (not is_fault(bench.signal.name) or bench.signal.sender_pid):
        return
    from coresnap.analysis.instruction.fault import find_fault

    bench.fault = find_fault(bench.core, bench.signal, bench.stacks)
    if bench.fault is not None and bench.fault.note is not None:
        bench.notes.append(bench.fault.note)


def _find_heaps(bench: _Workbench) -> None:
    from coresnap.analysis.heap.find import find_heaps

    bench.heaps = find_heaps(bench.core, bench.debug_files.separate_elf)
    bench.notes.extend(bench.heaps.notes)


def _report_heaps(bench: _Workbench) -> None:
    if bench.heaps is not None:
        bench.allocators = bench.heaps.reports()


def _case(bench: _Workbench) -> Case:
    return Case(
        core=bench.core,
        signal=bench.signal,
        threads=bench.threads,
        stacks=bench.stacks,
        instruction=bench.instruction,
        fault=bench.fault,
        messages=bench.messages,
        heaps=bench.heaps,
        aliases=bench.aliases,
        assets=bench.assets,
    )


def _classify(bench: _Workbench) -> None:
    verdict = judge(_case(bench))
    bench.classifiers = verdict.classifiers
    bench.notes.extend(verdict.notes)


def _find_aliases(bench: _Workbench) -> None:
    from coresnap.analysis.aliases.operands import operand_marks, operands
    from coresnap.analysis.aliases.targets import find_targets

    case, limits = _case(bench), bench.alias_limits
    pointers = operands(case)
    targets = find_targets(case, pointers, bench.classifiers)
    marks = operand_marks(case, pointers, bench.globals) if pointers else {}
    if not targets or not limits.levels:
        if marks:
            bench.threads[:1] = annotated_threads(bench.threads[:1], marks)
            bench.globals = annotated_variables(bench.globals, marks)
        return
    from coresnap.analysis.aliases.find import find_aliases

    separate = bench.debug_files.separate_elf
    found = find_aliases(case, targets, marks, bench.globals, separate, limits)
    bench.aliases, bench.blocks = found.aliases, found.blocks
    bench.threads, bench.globals = found.threads, found.globals
    bench.visited_by_fault = found.spans
    bench.dropped.extend(found.dropped)


def _classify_again(bench: _Workbench) -> None:
    judged = judge_again(_case(bench), Verdict(bench.classifiers))
    bench.classifiers = judged.classifiers
    bench.notes.extend(judged.notes)


def _remark(bench: _Workbench) -> None:
    remarks = remarks_on_conclusions(bench.threads, bench.classifiers)
    if remarks:
        bench.threads = annotated_frames(bench.threads, remarks)


def _fingerprint(bench: _Workbench) -> None:
    frames = bench.threads[0].frames if bench.threads else ()
    if any(frame.function is None for frame in frames):
        from coresnap.analysis.fingerprint.unwind_entries import with_unwind_entries

        frames = with_unwind_entries(frames, bench.stacks[0], bench.core.memory)
        bench.threads[0] = msgspec.structs.replace(bench.threads[0], frames=frames)
    circumstances = circumstances_of(
        bench.signal,
        frames,
        bench.messages,
        [classifier.name for classifier in bench.classifiers],
        bench.core.system,
        bench.core.process.pid,
        bench.attributes,
    )
    name = circumstances.signal
    found = fingerprint(bench.application, name, frames, circumstances, bench.rulesets)
    bench.fingerprint, bench.fingerprint_frames = found.digest, found.frames
    bench.callstack = found.callstack
    bench.attributes.update(fingerprint_attributes(found))


def _score(bench: _Workbench) -> None:
    quality = score_quality(
        bench.threads,
        bench.modules,
        truncated=bench.core.truncated,
        capture=bench.capture,
    )
    bench.quality, bench.quality_reason = quality.score, quality.reason
    bench.quality_parts = quality.parts


def _attributes(bench: _Workbench) -> None:
    bench.attributes = attributes_of(
        Facts(
            pid=bench.core.process.pid,
            application=bench.application,
            signal=bench.signal,
            frames=bench.threads[0].frames if bench.threads else (),
            classifiers=[c.name for c in bench.classifiers],
            thread_count=len(bench.core.threads),
            assets=bench.assets,
            capture=bench.capture,
            python_version=bench.python_version,
        )
    )


def _summarise(bench: _Workbench) -> None:
    bench.summary = summarise(
        bench.application, bench.signal, bench.threads, bench.classifiers
    )


STEPS: tuple[tuple[str, Callable[[_Workbench], None]], ...] = (
    ("signal", _explain_signal),
    ("unwind", _unwind),
    ("debug files", _open_debug_files),
    ("frames", _build_frames),
    ("interpreters", _interpret),
    ("messages", _find_messages),
    ("instruction", _find_fault),
    ("heap", _find_heaps),
    ("classify", _classify),
    ("aliases", _find_aliases),
    ("classify again", _classify_again),
    ("heap totals", _report_heaps),
    ("remarks", _remark),
    ("memory", _retain_memory),
    ("quality", _score),
    ("attributes", _attributes),
    ("fingerprint", _fingerprint),
    ("summary", _summarise),
)


def _snapshot(bench: _Workbench) -> Snapshot:
    core = bench.core
    return Snapshot(
        system=core.system,
        architecture=core.architecture.name,
        pid=core.process.pid,
        command=core.process.command,
        arguments=core.process.arguments,
        signal=bench.signal,
        threads=tuple(bench.threads),
        modules=tuple(bench.modules),
        mappings=core.mappings,
        globals=bench.globals,
        classifiers=bench.classifiers,
        summary=bench.summary,
        fingerprint=bench.fingerprint,
        fingerprint_frames=bench.fingerprint_frames,
        callstack=bench.callstack,
        quality=bench.quality,
        quality_reason=bench.quality_reason,
        quality_parts=bench.quality_parts,
        attributes=bench.attributes,
        notes=tuple(bench.notes),
        dropped=tuple(bench.dropped),
        truncated=core.truncated,
        core_size=core.size,
        memory=bench.memory,
        aliases=bench.aliases,
        blocks=bench.blocks,
        assets=retained_assets(bench.assets),
        instruction=bench.instruction,
        heaps=bench.allocators,
    )


def _with_plugins(bench: _Workbench, snapshot: Snapshot) -> Snapshot:
    from coresnap.analysis.entry_points import installed
    from coresnap.analysis.plugins import GROUP

    plugins, notes = installed(GROUP)
    if notes:
        notes = (*snapshot.notes, *notes)
        snapshot = msgspec.structs.replace(snapshot, notes=notes)
    if not plugins:
        return snapshot
    from coresnap.analysis.plugins.processes import ProcessOfCore
    from coresnap.analysis.plugins.run import run_plugins

    return run_plugins(plugins, snapshot, ProcessOfCore(bench.core, bench.heaps))
