"""One bug has one fingerprint, whatever it was built with; another bug has another."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from fingerprint.bugs import NAMED, STRIPPED, Sample, Variant, samples

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.libdw]

_PUT_IN_ANOTHER = {
    # The way to the bug is another; which one depends on the input.
    "ledger: lost-entry",
    # Optimised, a recursion is put into itself and loses its other half.
    "ledger: document",
    # What the function returned to is overwritten: the stack ends in it, and with it
    # goes whatever it was put into.
    "ledger: line",
    # GCC calls what a virtual function probably is, and reads its object first.
    "shapes: delete-twice",
    "shapes: describe-nothing",
    "shapes: missing-shape",
}
"""Bugs whose stacks compilers really make different, and why."""


def variants(chosen: tuple[Variant, ...]) -> list[Variant]:
    return [variant for variant in chosen if shutil.which(variant.compiler)]


def digests(found: list[Sample]) -> dict[str, set[str]]:
    by_bug: dict[str, set[str]] = defaultdict(set)
    for sample in found:
        by_bug[sample.bug].add(sample.snapshot.fingerprint)
    return by_bug


@pytest.mark.parametrize("source", ["ledger.c", "shapes.cc"])
def test_builds_with_debug_information_agree(source: str, tmp_path: Path) -> None:
    chosen = variants(NAMED)
    if source.endswith(".cc") and not shutil.which("g++"):
        pytest.skip("no C++ compiler")

    by_bug = digests(list(samples(source, chosen, tmp_path)))
    several = {bug for bug, found in by_bug.items() if len(found) > 1}
    assert several - _PUT_IN_ANOTHER == set()
    alone = [found for bug, found in by_bug.items() if bug not in _PUT_IN_ANOTHER]
    assert len(set().union(*alone)) == len(alone)


def test_a_stripped_build_keeps_its_fingerprints_when_other_code_is_added(
    tmp_path: Path,
) -> None:
    by_bug = digests(list(samples("ledger.c", STRIPPED, tmp_path)))

    # The recursion's depth is the input's, and where it is unrolled the compiler's.
    several = {bug for bug, found in by_bug.items() if len(found) > 1}
    assert several <= {"ledger: document"}
    alone = [found for bug, found in by_bug.items() if bug not in several]
    assert len(set().union(*alone)) == len(alone)
