"""From a core to a snapshot: ``STEPS`` is the whole analysis on one screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.capture import capture_facts, capture_notes
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.globals_choice import GlobalsChoice
from coresnap.analysis.retained_assets import retained_assets
from coresnap.analysis.source_paths import SourcePaths
from coresnap.analysis.steps import judging, reading, telling
from coresnap.analysis.steps.workbench import Step, Workbench, run_step
from coresnap.config.environment import ALLOWED_VARIABLES
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Snapshot

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset

__all__ = ["STEPS", "Progress", "run_steps"]

Progress = Callable[[str], None]


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
    variables: Sequence[str] = ALLOWED_VARIABLES,
    progress: Progress | None = None,
) -> Snapshot:
    """Analyse an open core into a snapshot.

    Of the globals, those of the crashed module are read where nothing else is wanted.
    ``variables`` of the environment may travel in the snapshot where the core itself
    says what they were.

    ``debug_files`` stay the caller's. A step that fails leaves a note and the rest
    goes on. ``progress`` is told the name of each step as it begins.
    """
    assets = assets or {}
    wanted = wanted_globals or GlobalsChoice("crashed")
    bench = Workbench(
        core,
        assets,
        debug_files,
        sysroot,
        source_paths,
        capture_facts(assets),
        wanted,
        alias_limits or AliasLimits(),
        variables,
    )
    bench.notes.extend(core.notes_to_reader)
    bench.notes.extend(capture_notes(bench.capture))
    bench.rulesets = rulesets
    for name, step in STEPS:
        if progress is not None:
            progress(name)
        run_step(bench, name, step)
    if progress is not None:
        progress("snapshot")
    return _with_plugins(bench, _snapshot(bench))


STEPS: tuple[tuple[str, Step], ...] = (
    ("process", reading.read_process),
    ("signal", reading.read_signal),
    ("unwind", reading.unwind_threads),
    ("debug files", reading.open_debug_files),
    ("frames", reading.build_frames),
    ("interpreters", reading.interpret_frames),
    ("messages", judging.look_for_messages),
    ("instruction", judging.decode_instruction),
    ("heap", judging.find_allocators),
    ("classify", judging.classify),
    ("aliases", judging.chase_aliases),
    ("classify again", judging.classify_again),
    ("heap totals", judging.report_heaps),
    ("remarks", judging.remark),
    ("memory", reading.keep_memory),
    ("quality", telling.score),
    ("attributes", telling.draw_attributes),
    ("fingerprint", telling.sign),
    ("summary", telling.sum_up),
)


def _snapshot(bench: Workbench) -> Snapshot:
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


def _with_plugins(bench: Workbench, snapshot: Snapshot) -> Snapshot:
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
