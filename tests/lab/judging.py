"""Compares what the verdict says of a core with the truth about the program."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from coresnap.analysis.classify.rule import CONFIDENCES
from coresnap.analysis.classify.rules.signals import of_signal
from coresnap.model import Block, Classifier, Snapshot
from lab.crashing import Crash, Told
from lab.forms import snapshot_of
from lab.truth import Truth

__all__ = ["MEMORY", "Outcome", "compare", "judge"]

MEMORY = (
    *("memory.*", "null*", "noncanonical", "alignment", "wild-jump", "bit-flip"),
    *("use-after-free", "double-free", "invalid-free", "heap.*", "uninitialised"),
    *("stale-pointer", "type-violation", "invalid-pointer", "return-corrupted"),
    *("stack-overflow", "recursion", "stack-smash", "security*", "call-contract"),
)
"""Verdicts that blame the memory of a program: none of them where that is fine."""
_SURE = ("certain", "strong")
_WIDTH = 160


@attrs.frozen
class Outcome:
    """What came out of one core in one form."""

    name: str
    kind: str
    allocator: str
    form: str
    hits: dict[str, str] = attrs.field(factory=dict)
    """Names that had to be found and were, with confidence."""
    allowed: dict[str, str] = attrs.field(factory=dict)
    """Names that are true as well, with confidence."""
    missing: tuple[str, ...] = ()
    """Names that had to be found and were not."""
    lacking: tuple[str, ...] = ()
    """``block STATE``, ``function NAME``: what else had to be known."""
    wrong: dict[str, str] = attrs.field(factory=dict)
    """Names that are not true: rule, confidence, evidence."""
    sure: tuple[str, ...] = ()
    """Those of them that are certain or strong."""
    alarms: tuple[str, ...] = ()
    """Verdicts on memory that is fine."""
    failures: tuple[str, ...] = ()
    """Rules and steps that raised, or why there was nothing to compare."""


def judge(crash: Crash, form: str, scratch: Path) -> Outcome:
    """Analyse one core in one form and compare; what the analysis raises is said."""
    truth = crash.program.truth
    if crash.core is None:
        return _failed(truth, crash.allocator, form, crash.said)
    try:
        snapshot = snapshot_of(crash, form, scratch)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return _failed(truth, crash.allocator, form, text)
    return compare(crash, snapshot, form)


def _failed(truth: Truth, allocator: str, form: str, why: str) -> Outcome:
    return Outcome(truth.name, truth.kind, allocator, form, failures=(why,))


def compare(crash: Crash, snapshot: Snapshot, form: str) -> Outcome:
    """Compare a snapshot with the truth."""
    truth, allocator = crash.program.truth, crash.allocator
    found = _surest(snapshot.classifiers)
    must = truth.must(allocator)
    asked = {name for names in must for name in names}
    signal = {c.name for c in of_signal(snapshot.signal, None)} - {"signal.sent"}
    false = [
        one
        for name, one in found.items()
        if name not in signal and not truth.is_right(name, allocator)
    ]
    true = {n: c.confidence for n, c in found.items() if c not in false}
    return Outcome(
        truth.name,
        truth.kind,
        allocator,
        form,
        hits={name: true[name] for name in true if name in asked},
        allowed={name: true[name] for name in true if name not in asked},
        missing=tuple(
            "|".join(names) for names in must if not found.keys() & set(names)
        ),
        lacking=tuple(_lacking(crash, snapshot, form)),
        wrong={c.name: _text(c) for c in false},
        sure=tuple(c.name for c in false if c.confidence in _SURE),
        alarms=tuple(_alarms(truth, found)),
        failures=tuple(_raised(snapshot)),
    )


def _surest(classifiers: Iterable[Classifier]) -> dict[str, Classifier]:
    found: dict[str, Classifier] = {}
    for one in sorted(classifiers, key=lambda c: CONFIDENCES.index(c.confidence)):
        found.setdefault(one.name, one)
    return found


def _lacking(crash: Crash, snapshot: Snapshot, form: str) -> Iterator[str]:
    """What besides names the snapshot has to know, where it can."""
    function = crash.program.truth.function
    if form == "symbols" and function is not None:
        frames = snapshot.threads[0].frames if snapshot.threads else ()
        if not any(function in (frame.function or "") for frame in frames):
            yield f"function {function}"
    if form != "truncated":
        damage = [damage for heap in snapshot.heaps for damage in heap.damage]
        blocks = [one.overrun for one in damage if one.overrun is not None]
        for told in crash.blocks:
            if not any(_is_told(block, told) for block in (*snapshot.blocks, *blocks)):
                yield f"block {told.state}"


def _is_told(block: Block, told: Told) -> bool:
    """Whether it is the same block; allocators round sizes up."""
    size = told.size <= block.size <= told.size * 1.25 + 32
    return size and block.address == told.address and block.state == told.state


def _alarms(truth: Truth, found: dict[str, Classifier]) -> Iterator[str]:
    if truth.kind == "crash":
        return
    for name in found:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in MEMORY):
            yield name


def _raised(snapshot: Snapshot) -> Iterator[str]:
    """Notes of steps that tripped, which begin with an exception's name."""
    for note in snapshot.notes:
        kind, _, _ = note.message.partition(":")
        if kind.endswith(("Error", "Exception")) and " " not in kind:
            yield f"{note.step}: {note.message}"[:_WIDTH]


def _text(classifier: Classifier) -> str:
    evidence = "; ".join(classifier.evidence)
    text = f"{classifier.rule} {classifier.confidence}: {evidence}"
    return text[:_WIDTH]
