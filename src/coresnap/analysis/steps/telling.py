"""Telling: how good the reading is, what it is counted by, and the short of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.attributes import Facts, attributes_of
from coresnap.analysis.fingerprint import (
    circumstances_of,
    fingerprint,
    fingerprint_attributes,
)
from coresnap.analysis.quality.score import score_quality
from coresnap.analysis.steps.workbench import Workbench
from coresnap.analysis.summary import summarise

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile
    from coresnap.elfcore.process_state import Clock

__all__ = ["draw_attributes", "score", "sign", "sum_up"]


def score(bench: Workbench) -> None:
    """How comprehensible the snapshot will be."""
    quality = score_quality(
        bench.threads,
        bench.modules,
        truncated=bench.core.truncated,
        capture=bench.capture,
    )
    bench.quality, bench.quality_reason = quality.score, quality.reason
    bench.quality_parts = quality.parts


def draw_attributes(bench: Workbench) -> None:
    """What faults are counted by."""
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
            system=bench.core.system,
            state=bench.core.facts.state,
            clock=_clock(bench.core),
        )
    )


def _clock(core: CoreFile) -> Clock | None:
    if core.facts.start.clock is None:
        return None
    from coresnap.elfcore.freebsd_clock import read_clock

    return read_clock(core.memory, core.header, core.facts.start.clock)


def sign(bench: Workbench) -> None:
    """What faults are grouped by."""
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


def sum_up(bench: Workbench) -> None:
    """The paragraph in plain words."""
    bench.summary = summarise(
        bench.application, bench.signal, bench.threads, bench.classifiers
    )
