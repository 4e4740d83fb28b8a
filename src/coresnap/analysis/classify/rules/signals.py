"""What the signal says by itself."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

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
        """Conclude what the core's notes say; of a trap its rule says more."""
        if not _is_explained_trap(case):
            yield from _named(case.signal, case.tid)


class SignalSent(Rule):
    """Another process sent the signal: no instruction failed."""

    names = ("signal.sent",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from si_code and the sender's pid."""
        yield from _sent(case.signal, case.tid, case.core.process.pid)


class SignalRaised(Rule):
    """The process sent the signal to itself, as abort and raise do: no instruction
    failed, or a handler sent the fault's signal again."""

    names = ("stop",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from si_code and the sender's pid."""
        for found in _raised(case.signal, case.tid, case.core.process.pid):
            again = case.fault is not None and case.fault.frame == 0
            more = ("it was handled before: its frame is left on the stack",)
            yield msgspec.structs.replace(
                found, evidence=found.evidence + (more if again else ())
            )


def of_signal(
    signal: Signal | None, tid: int | None, pid: int | None = None
) -> Iterator[Classifier]:
    """Conclude what is left where there is no core: the signal.

    Without the process's ``pid``, SIGABRT counts as its own.
    """
    yield from _named(signal, tid)
    yield from _sent(signal, tid, pid)
    yield from _raised(signal, tid, pid)


def _is_explained_trap(case: Case) -> bool:
    if case.fault is None or case.signal is None or case.signal.name != "SIGTRAP":
        return False
    from coresnap.analysis.classify.rules.execution import CompilerTrap

    return any(CompilerTrap().apply(case))


def _named(signal: Signal | None, tid: int | None) -> Iterator[Classifier]:
    if signal is None:
        return
    name = signal.name.removeprefix("SIG").lower()
    evidence = f"{signal.name} {signal.code_name or signal.code or ''}".strip()
    name = _SHORT.get(name, name)
    yield Classifier(
        name, CERTAIN, (evidence,), tid, signal.address, rule=SignalName.__name__
    )


def _sent(
    signal: Signal | None, tid: int | None, pid: int | None
) -> Iterator[Classifier]:
    if signal is None or signal.sender_pid is None or _is_own(signal, pid):
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


def _raised(
    signal: Signal | None, tid: int | None, pid: int | None
) -> Iterator[Classifier]:
    if signal is None or signal.sender_pid is None or not _is_own(signal, pid):
        return
    aborted = signal.name == "SIGABRT"
    yield Classifier(
        "stop",
        CERTAIN,
        (f"{signal.code_name}: sent by process {signal.sender_pid}, itself",),
        tid,
        rule=SignalRaised.__name__,
        summary="gave up: it aborted" if aborted else f"sent itself {signal.name}",
    )


def _is_own(signal: Signal, pid: int | None) -> bool:
    if pid is None:
        return signal.name == "SIGABRT"
    return signal.sender_pid == pid


RULES: tuple[Rule, ...] = (SignalName(), SignalSent(), SignalRaised())
