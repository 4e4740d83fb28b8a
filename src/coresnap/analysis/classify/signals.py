"""What the signal says by itself."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, Rule
from coresnap.model import Classifier, Signal

__all__ = ["RULES", "of_signal"]

_SHORT = {"abrt": "abort"}


class SignalName(Rule):
    """The signal's own name: ``segv``, ``abort``, ``bus``, …"""

    names = ("segv", "abort", "bus", "fpe", "ill", "trap", "sys", "quit")
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude what the core's notes say."""
        yield from _named(case.signal, case.tid)


class SignalSent(Rule):
    """Another process sent the signal: no instruction failed."""

    names = ("signal.sent",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from si_code; aborts are signals that a process sends itself."""
        yield from _sent(case.signal, case.tid)


def of_signal(signal: Signal | None, tid: int | None) -> Iterator[Classifier]:
    """Conclude what is left where there is no core: the signal."""
    yield from _named(signal, tid)
    yield from _sent(signal, tid)


def _named(signal: Signal | None, tid: int | None) -> Iterator[Classifier]:
    if signal is None:
        return
    name = signal.name.removeprefix("SIG").lower()
    evidence = f"{signal.name} {signal.code_name or signal.code or ''}".strip()
    name = _SHORT.get(name, name)
    yield Classifier(
        name, CERTAIN, (evidence,), tid, signal.address, rule=SignalName.__name__
    )


def _sent(signal: Signal | None, tid: int | None) -> Iterator[Classifier]:
    if signal is None or signal.sender_pid is None or signal.name == "SIGABRT":
        return
    sender = f"process {signal.sender_pid}"
    yield Classifier(
        "signal.sent",
        CERTAIN,
        (f"{signal.code_name}: sent by {sender}",),
        tid,
        rule=SignalSent.__name__,
        summary=f"was sent {signal.name} by {sender}",
    )


RULES: tuple[Rule, ...] = (SignalName(), SignalSent())
