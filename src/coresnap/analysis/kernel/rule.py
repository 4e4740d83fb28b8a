"""What a rule about kernels is, and how it states its conclusion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from coresnap.analysis.kernel.case import KernelCase
from coresnap.model import Classifier

__all__ = ["KernelRule", "conclude", "cut", "first_line"]

_EVIDENCE_LENGTH = 300


class KernelRule:
    """One way to conclude from what a kernel said; the class's name is the rule's."""

    names: ClassVar[tuple[str, ...]]
    confidence: ClassVar[tuple[str, ...]]

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Yield what this rule concludes."""
        raise NotImplementedError


def conclude(
    name: str,
    sure: str,
    evidence: Sequence[str],
    summary: str,
    address: int | None = None,
) -> Classifier:
    """Return a classifier whose texts have a length that people read."""
    return Classifier(
        name, sure, tuple(map(cut, evidence)), address=address, summary=cut(summary)
    )


def first_line(case: KernelCase, pattern: re.Pattern[str]) -> str | None:
    """Return the first line of the panic that ``pattern`` fits."""
    return next((cut(x) for x in case.panic.lines if pattern.match(x)), None)


def cut(text: str) -> str:
    """Shorten ``text``: it comes from a buffer that anybody may have written to."""
    return text if len(text) <= _EVIDENCE_LENGTH else text[: _EVIDENCE_LENGTH - 1] + "…"
