"""From what was read of a kernel's dump to a snapshot, as of any other crash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.attributes import callstack_attributes
from coresnap.analysis.fingerprint import (
    Circumstances,
    Fingerprint,
    fingerprint,
    fingerprint_attributes,
)
from coresnap.analysis.fingerprint.circumstances import PANIC
from coresnap.analysis.kernel.backtrace import KERNEL
from coresnap.analysis.kernel.case import KernelCase, case_of
from coresnap.analysis.kernel.evidence import MESSAGES, Evidence
from coresnap.analysis.kernel.quality import kernel_quality
from coresnap.analysis.kernel.said import without_particulars
from coresnap.analysis.kernel.verdict import judge_kernel
from coresnap.analysis.summary import summarise
from coresnap.config.rulesets import Ruleset
from coresnap.model import Classifier, Frame, Note, Snapshot, Thread, UnwindEnd

__all__ = ["snapshot_of_kernel"]

AttributeValue = int | float | str

_ARCHITECTURES = {"amd64": "x86-64", "arm64": "aarch64", "powerpc64": "ppc64"}
_MESSAGES_KEPT = 64 * 1024
_RELEASE = re.compile(r"(?:FreeBSD|Linux version) (\S+)")
_PROMPT = frozenset({"double-free", "invalid-free"})


def snapshot_of_kernel(
    evidence: Evidence, rulesets: Sequence[Ruleset] = ()
) -> Snapshot:
    """Judge a kernel. Raises nothing: notes say what was not read."""
    case = case_of(evidence.message_buffer, evidence.info.panic or None)
    classifiers, failures = judge_kernel(case)
    threads = _threads(evidence, case)
    frames = threads[0].frames if threads else ()
    found = _fingerprint(evidence, case, frames, classifiers, rulesets)
    quality = kernel_quality(evidence, case, frames)
    attributes: dict[str, AttributeValue] = {
        **dict(_attributes(evidence, case, classifiers)),
        **callstack_attributes(frames),
        **fingerprint_attributes(found),
    }
    process = case.trap.process if case.trap is not None else None
    return Snapshot(
        system=evidence.system,
        architecture=_architecture(evidence),
        pid=process.pid if process is not None else None,
        command=KERNEL,
        arguments=None,
        signal=None,
        threads=threads,
        modules=evidence.modules,
        classifiers=classifiers,
        fingerprint=found.digest,
        fingerprint_frames=found.frames,
        callstack=found.callstack,
        quality=quality.score,
        quality_reason=quality.reason,
        quality_parts=quality.parts,
        attributes=dict(sorted(attributes.items())),
        notes=(*evidence.notes, *_notes(evidence, case), *failures),
        core_size=evidence.size,
        assets=_assets(evidence),
        summary=_summary(threads, found, classifiers),
    )


def _threads(evidence: Evidence, case: KernelCase) -> tuple[Thread, ...]:
    """Those that were walked; else the one whose stack the kernel printed."""
    if any(thread.crashed and thread.frames for thread in evidence.threads):
        return evidence.threads
    if case.stack is None:
        return evidence.threads
    end = UnwindEnd.OUTERMOST if case.stack.whole else UnwindEnd.NO_RULE
    process = case.trap.process if case.trap is not None else None
    number = process.pid if process is not None else 0
    printed = Thread(
        number if case.tid is None else case.tid,
        True,
        end,
        process.name if process is not None else None,
        case.stack.frames,
        case.trap.registers if case.trap is not None else {},
    )
    rest = (t for t in evidence.threads if not t.crashed)
    return (printed, *rest)


def _summary(
    threads: Sequence[Thread], found: Fingerprint, classifiers: Sequence[Classifier]
) -> str:
    """The paragraph: where it happened is the first frame that is no machinery."""
    shown = [line.index for line in found.lines if line.shown]
    if threads and shown:
        frames = threads[0].frames[shown[0] :]
        first = msgspec.structs.replace(threads[0], frames=frames)
        threads = (first, *threads[1:])
    return summarise("The kernel", None, threads, classifiers)


def _fingerprint(
    evidence: Evidence,
    case: KernelCase,
    frames: Sequence[Frame],
    classifiers: Sequence[Classifier],
    rulesets: Sequence[Ruleset],
) -> Fingerprint:
    # The words of a trap say less than its frames, and change with the release.
    trapped = case.trap is not None
    circumstances = Circumstances(
        PANIC,
        said="" if trapped else PANIC,
        message="" if trapped else without_particulars(case.text),
        prompt=not _PROMPT.isdisjoint(c.name for c in classifiers),
        system=evidence.system,
    )
    return fingerprint(KERNEL, PANIC, frames, circumstances, rulesets)


def _attributes(
    evidence: Evidence, case: KernelCase, classifiers: Sequence[Classifier]
) -> Iterator[tuple[str, AttributeValue]]:
    info, trap = evidence.info, case.trap
    release = _RELEASE.match(info.version)
    process = trap.process if trap is not None else None
    values: dict[str, AttributeValue | None] = {
        "application": KERNEL,
        "classifiers": " ".join(c.name for c in classifiers),
        "fault.address": trap.address if trap is not None else None,
        "hostname": info.hostname,
        "kernel.cpu": case.cpu,
        "kernel.dump": evidence.kind,
        "kernel.panic": case.panic.text or info.panic,
        "kernel.process.id": process.pid if process is not None else None,
        "kernel.process.name": process.name if process is not None else None,
        "kernel.trap": trap.what if trap is not None else None,
        "kernel.version": info.version,
        "process.threads": len(evidence.threads) or None,
        "timestamp": case.time if case.time is not None else info.time,
        "uname.machine": info.architecture,
        "uname.release": release[1] if release else None,
        "uname.sysname": evidence.system,
    }
    for name, value in values.items():
        if value is not None and value != "":
            yield name, value


def _architecture(evidence: Evidence) -> str:
    told = evidence.info.architecture
    return evidence.architecture or _ARCHITECTURES.get(told, told) or "?"


def _notes(evidence: Evidence, case: KernelCase) -> Iterator[Note]:
    if not evidence.message_buffer:
        yield Note("kernel", "there is no message buffer: what led to it is unknown")
    elif case.panic.text is None:
        yield Note("kernel", "the message buffer tells of no panic")
    if case.stack is not None and not any(t.crashed for t in evidence.threads):
        yield Note("kernel", "the stack is what the kernel itself printed as it died")
    if case.stack is not None and case.stack.system_call:
        yield Note("kernel", f"called by system call {case.stack.system_call}")
    status = evidence.info.status
    if status and status != "good":
        yield Note("kernel", f"savecore says that the dump is {status}")


def _assets(evidence: Evidence) -> dict[str, bytes]:
    """The end of the message buffer: what people ask for next."""
    said = evidence.message_buffer.encode("utf-8", "backslashreplace")
    return {MESSAGES: said[-_MESSAGES_KEPT:]} if said else {}
