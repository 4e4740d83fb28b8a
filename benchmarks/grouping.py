"""Which crashes are the same bug: our fingerprint beside others' rules, as B-cubed.

Bugs of known identity (``tests/analysis/fingerprint/programs``) are built in many ways,
crashed by the kernel, and grouped by several rules from the same stacks::

    python benchmarks/grouping.py [--markdown docs/fingerprints.md]

Needs gcc, clang and rustc, root, and a Linux kernel of its own. siggen, Socorro's
signatures, is compared if it is installed (``pip install siggen``).
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from coresnap.analysis.fingerprint import Fate, Fingerprint, fingerprint
from coresnap.analysis.fingerprint.circumstances import recorded_circumstances
from coresnap.model import Frame
from coresnap.snapshot.similarity import SIMILAR, Rarity, compare

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "analysis"))
from fingerprint.bugs import (
    NAMED,
    STRIPPED,
    SYMBOLS,
    Sample,
    Variant,
    samples,
)

SOURCES = ("ledger.c", "shapes.cc", "parcels.rs")
SETS: dict[str, tuple[Variant, ...]] = {
    "debug information": NAMED,
    "and symbols alone": (*NAMED, *SYMBOLS),
    "stripped": STRIPPED,
}
_DEPTHS = (1, 2, 3, 5, 8, 32)
_MARK = "<!-- benchmarks/grouping.py -->"

Label = Callable[[Sample], object]


@attrs.frozen
class Score:
    """How well a grouping agrees with the truth."""

    groups: int
    precision: float
    """Of what is in a crash's group, how much is its bug; the mean."""
    recall: float
    """Of a crash's bug, how much is in its group; the mean."""

    @property
    def f(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def b_cubed(truth: Sequence[object], found: Sequence[object]) -> Score:
    """Bagga and Baldwin (1998): precision and recall of each item, averaged."""
    together = _members(zip(truth, found, strict=True))
    bugs, groups = _members(truth), _members(found)
    pairs = list(zip(truth, found, strict=True))
    precision = sum(together[t, g] / groups[g] for t, g in pairs)
    recall = sum(together[t, g] / bugs[t] for t, g in pairs)
    return Score(len(groups), precision / len(pairs), recall / len(pairs))


def _members(labels: Any) -> dict[Any, int]:  # noqa: ANN401 - any labels
    counts: dict[Any, int] = defaultdict(int)
    for label in labels:
        counts[label] += 1
    return counts


def _explained(sample: Sample) -> Fingerprint:
    snapshot = sample.snapshot
    facts = recorded_circumstances(
        snapshot.signal, snapshot.system, snapshot.pid, snapshot.attributes
    )
    frames = snapshot.threads[0].frames
    return fingerprint(_application(sample), facts.signal, frames, facts)


def _application(sample: Sample) -> str:
    return str(sample.snapshot.attributes["application"])


def _frames(sample: Sample) -> tuple[Frame, ...]:
    return sample.snapshot.threads[0].frames


def _top(depth: int) -> Label:
    """The innermost functions as they are."""

    def label(sample: Sample) -> object:
        names = [f.function or hex(f.module_offset or 0) for f in _frames(sample)]
        return _application(sample), tuple(names[:depth])

    return label


def _signed(depth: int) -> Label:
    """Our rules with so many frames."""

    def label(sample: Sample) -> object:
        found = _explained(sample)
        counting = (Fate.KEPT, Fate.RENAMED, Fate.CUT)
        texts = [line.text for line in found.lines if line.fate in counting]
        if found.family == "stack-overflow":
            texts = list(found.frames)
        return _application(sample), found.family, found.message, tuple(texts[:depth])

    return label


def _siggen() -> Label | None:
    try:
        from siggen.generator import SignatureGenerator
    except ImportError:
        return None
    generator = SignatureGenerator()

    def label(sample: Sample) -> object:
        frames = [
            {
                "frame": at,
                "module": Path(frame.module or "?").name,
                "function": frame.function,
                "file": frame.file,
                "line": frame.line,
                "offset": hex(frame.pc),
                "module_offset": hex(frame.module_offset or 0),
            }
            for at, frame in enumerate(_frames(sample))
        ]
        crash = {"os": "Linux", "crashing_thread": 0, "threads": [{"frames": frames}]}
        return _application(sample), generator.generate(crash).signature

    return label


def _methods() -> dict[str, Label]:
    found: dict[str, Label] = {"coresnap": lambda s: s.snapshot.fingerprint}
    for depth in _DEPTHS:
        found[f"coresnap's rules, {depth} frames"] = _signed(depth)
    siggen = _siggen()
    if siggen is not None:
        found["siggen 2.2"] = siggen
    for depth in (1, 3, 5):
        found[f"top {depth} functions"] = _top(depth)
    found["whole stack"] = _top(10_000)
    return found


def _with_similar(crashes: Sequence[Sample], cut: float) -> list[object]:
    """Fingerprints that are near each other, joined: what a person might accept."""
    stacks = {
        s.snapshot.fingerprint: (_application(s), s.snapshot.fingerprint_frames)
        for s in crashes
    }
    rarity = Rarity([frames for _, frames in stacks.values()])
    root = {digest: digest for digest in stacks}

    def top(digest: str) -> str:
        while root[digest] != digest:
            digest = root[digest]
        return digest

    for one, (application, frames) in stacks.items():
        for other, (elsewhere, others) in stacks.items():
            if one >= other or application != elsewhere:
                continue
            if compare(frames, others, rarity).distance <= cut:
                root[top(one)] = top(other)
    return [top(s.snapshot.fingerprint) for s in crashes]


def _scores(crashes: Sequence[Sample]) -> Iterator[tuple[str, Score]]:
    truth = [sample.bug for sample in crashes]
    for name, label in _methods().items():
        yield name, b_cubed(truth, [label(sample) for sample in crashes])
    for cut in (0.25, 0.35, SIMILAR, 0.55):
        name = f"coresnap, all within {cut} joined"
        yield name, b_cubed(truth, _with_similar(crashes, cut))


def _collect(below: Path, variants: Sequence[Variant]) -> list[Sample]:
    return list(
        chain.from_iterable(
            samples(source, _fitting(source, variants), below) for source in SOURCES
        )
    )


def _fitting(source: str, variants: Sequence[Variant]) -> list[Variant]:
    return [v for v in variants if not source.endswith(".rs") or v.compiler == "gcc"]


def _table(results: Mapping[str, Sequence[tuple[str, Score]]]) -> Iterator[str]:
    yield "| grouped by | " + " | ".join(results) + " |"
    yield "|---|" + "---|" * len(results)
    for row in zip(*results.values(), strict=True):
        cells = [
            f"{s.precision:.3f} {s.recall:.3f} **{s.f:.3f}** ({s.groups})"
            for _, s in row
        ]
        yield f"| {row[0][0]} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it there")
    arguments = parser.parse_args()
    everything = tuple(dict.fromkeys(chain.from_iterable(SETS.values())))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as below:
        crashes = _collect(Path(below), everything)
    results = {}
    for name, variants in SETS.items():
        chosen = [sample for sample in crashes if sample.variant in variants]
        bugs = len({sample.bug for sample in chosen})
        results[f"{name}: {len(chosen)} crashes of {bugs} bugs"] = list(_scores(chosen))
    table = "\n".join(_table(results))
    print(table)
    if arguments.markdown is not None:
        text = arguments.markdown.read_text()
        block = f"{_MARK}\n{table}\n{_MARK}"
        pattern = f"{re.escape(_MARK)}.*{re.escape(_MARK)}"
        arguments.markdown.write_text(
            re.sub(pattern, lambda _: block, text, flags=re.DOTALL)
        )


if __name__ == "__main__":
    main()
