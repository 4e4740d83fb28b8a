"""What the steps have found so far, and how one of them may fail."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.model import Note

if TYPE_CHECKING:
    from coresnap.analysis.aliases.limits import AliasLimits
    from coresnap.analysis.capture import CaptureFacts
    from coresnap.analysis.debuginfo.files import DebugFiles
    from coresnap.analysis.globals_choice import GlobalsChoice
    from coresnap.analysis.heap.heaps import Heaps
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.analysis.messages.message import Message
    from coresnap.analysis.retained_memory import Span
    from coresnap.analysis.source_paths import SourcePaths
    from coresnap.analysis.unwind.stack import Stack
    from coresnap.config.rulesets import Ruleset
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
        QualityPart,
        Signal,
        Thread,
        Variable,
    )

__all__ = ["Step", "Workbench", "run_step"]


class Workbench(msgspec.Struct):
    """All of it. Later steps read what earlier ones left."""

    core: CoreFile
    assets: Mapping[str, bytes]
    debug_files: DebugFiles
    sysroot: Path | None
    source_paths: SourcePaths | None
    capture: CaptureFacts
    wanted_globals: GlobalsChoice
    alias_limits: AliasLimits
    variables: Sequence[str] = ()
    """Of the environment, which may be kept where the core says what they were."""
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


Step = Callable[[Workbench], None]


def run_step(bench: Workbench, name: str, step: Step) -> None:
    """Run one step; what it raises becomes a note."""
    # The one place that catches everything: a core is attacker-chosen bytes, and a
    # bug that one of them reaches may cost that step, never the whole answer.
    try:
        step(bench)
    except Exception as error:
        bench.notes.append(Note(name, f"{type(error).__name__}: {error}"))
