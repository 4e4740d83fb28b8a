"""Reading: signal, stacks, frames with variables, and the memory worth keeping."""

from __future__ import annotations

import functools

from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.globals import GlobalsFinder
from coresnap.analysis.retained_memory import retained_memory
from coresnap.analysis.signals import explain_signal
from coresnap.analysis.source import SourceReader
from coresnap.analysis.steps.workbench import Workbench, run_step
from coresnap.analysis.threads import ThreadReader
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.model import Note

__all__ = [
    "build_frames",
    "interpret_frames",
    "keep_memory",
    "open_debug_files",
    "read_process",
    "read_signal",
    "unwind_threads",
]


def read_process(bench: Workbench) -> None:
    """What the core's notes say of the process, where the capture kept nothing."""
    if bench.core.facts.state is None:
        return
    # Not before: a core of Linux says none of it.
    from coresnap.analysis.process_assets import process_assets

    told, problems = process_assets(bench.core, bench.variables)
    bench.assets = {**told, **bench.assets}
    bench.notes.extend(Note("process", problem) for problem in problems)


def read_signal(bench: Workbench) -> None:
    """Why the kernel stopped the process."""
    raw = bench.core.signal
    if raw is not None:
        bench.signal = explain_signal(
            bench.core.system,
            raw.number,
            raw.code,
            raw.address,
            (raw.sender_pid, raw.sender_uid),
            bench.core.process.pid,
            raw.trap,
        )


def unwind_threads(bench: Workbench) -> None:
    """The stacks of all threads."""
    unwinder = Unwinder(bench.core, debug_file=bench.debug_files.separate_elf)
    bench.stacks = [unwinder.unwind(t.registers) for t in bench.core.threads]


def open_debug_files(bench: Workbench) -> None:
    """Begin to open what the frames will need."""
    frames = (frame for stack in bench.stacks for frame in stack.frames)
    modules = {f.module.start: f.module for f in frames if f.module is not None}
    bench.debug_files.open_ahead(modules.values())


def build_frames(bench: Workbench) -> None:
    """Threads with named frames and their variables; globals; modules."""
    with FrameBuilder(
        bench.core,
        debug_files=bench.debug_files,
        sysroot=bench.sysroot,
        source_paths=bench.source_paths,
    ) as builder:
        _add_threads(bench, builder)
        run_step(bench, "globals", functools.partial(_add_globals, builder))
        bench.visited = builder.take_visited()
        bench.modules = list(builder.modules())
        bench.notes.extend(builder.notes())


def _add_threads(bench: Workbench, builder: FrameBuilder) -> None:
    reader = ThreadReader(bench.core, bench.stacks, bench.assets, builder)
    for index in reader.order.whole:
        run_step(bench, "frames", functools.partial(_read_thread, reader, index))
        if index == 0:
            bench.visited_by_crashed = builder.take_visited()
    bench.threads = reader.threads()
    if any(name.endswith("/stack") for name in bench.assets):
        # Not before: only a handler that was root could read them.
        from coresnap.analysis.kernel_stacks import with_kernel_stacks

        bench.threads = with_kernel_stacks(bench.threads, bench.assets)
    bench.dropped.extend(reader.dropped)
    bench.dropped.extend(builder.dropped())


def _add_globals(builder: FrameBuilder, bench: Workbench) -> None:
    tids = [thread.tid for thread in bench.core.threads]
    threads = list(zip(tids, bench.stacks, strict=False))
    finder = GlobalsFinder(builder, threads, bench.wanted_globals)
    bench.globals = finder.read()
    bench.dropped.extend(finder.dropped)
    bench.notes.extend(finder.notes)


def _read_thread(reader: ThreadReader, index: int, _: Workbench) -> None:
    reader.read(index)


def interpret_frames(bench: Workbench) -> None:
    """An interpreter's own frames among the native ones."""
    from coresnap.analysis.interpreters.threads import interpreted_threads

    source = SourceReader(bench.sysroot, bench.source_paths)
    found = interpreted_threads(bench.core, bench.threads, source)
    bench.threads = list(found.threads)
    bench.python_version = found.version
    bench.notes.extend(found.notes)


def keep_memory(bench: Workbench) -> None:
    """The bytes that the snapshot keeps."""
    retained = retained_memory(
        bench.core, bench.visited_by_crashed, bench.visited, bench.visited_by_fault
    )
    bench.memory = retained.ranges
    bench.dropped.extend(retained.dropped)
