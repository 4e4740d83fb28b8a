"""Judging: what failed, what was said, what the heaps hold, and what follows."""

from __future__ import annotations

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.remarks import remarks_on_conclusions
from coresnap.analysis.classify.verdict import Verdict, judge, judge_again
from coresnap.analysis.remarks import (
    annotated_frames,
    annotated_threads,
    annotated_variables,
)
from coresnap.analysis.signals import is_fault
from coresnap.analysis.steps.workbench import Workbench

__all__ = [
    "chase_aliases",
    "classify",
    "classify_again",
    "decode_instruction",
    "find_allocators",
    "look_for_messages",
    "remark",
    "report_heaps",
]


def look_for_messages(bench: Workbench) -> None:
    """What libraries and run-times said before they gave up."""
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


def decode_instruction(bench: Workbench) -> None:
    """The instruction that failed, if one did."""
    if bench.signal is None or not bench.stacks:
        return
    handled = any(frame.signal_frame for frame in bench.stacks[0].frames)
    if not handled and not is_fault(bench.signal.name):
        return
    from coresnap.analysis.instruction.find import find_fault

    bench.fault = find_fault(bench.core, bench.signal, bench.stacks)
    if bench.fault is not None and bench.fault.note is not None:
        bench.notes.append(bench.fault.note)


def find_allocators(bench: Workbench) -> None:
    """Which allocators there are; nothing is walked yet."""
    from coresnap.analysis.heap.find import find_heaps

    bench.heaps = find_heaps(bench.core, bench.debug_files.separate_elf)
    bench.notes.extend(bench.heaps.notes)


def report_heaps(bench: Workbench) -> None:
    """What each allocator says of itself."""
    if bench.heaps is not None:
        bench.allocators = bench.heaps.reports()


def _case(bench: Workbench) -> Case:
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


def classify(bench: Workbench) -> None:
    """Conclude what the rules conclude."""
    verdict = judge(_case(bench))
    bench.classifiers = verdict.classifiers
    bench.notes.extend(verdict.notes)


def chase_aliases(bench: Workbench) -> None:
    """Who else holds the pointers of the fault."""
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


def classify_again(bench: Workbench) -> None:
    """Conclude what the aliases add."""
    judged = judge_again(_case(bench), Verdict(bench.classifiers))
    bench.classifiers = judged.classifiers
    bench.notes.extend(judged.notes)


def remark(bench: Workbench) -> None:
    """Say causes on the frames and threads that they are about."""
    remarks = remarks_on_conclusions(bench.threads, bench.classifiers)
    if remarks:
        bench.threads = annotated_frames(bench.threads, remarks)
