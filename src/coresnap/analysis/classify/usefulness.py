"""Which conclusion a person wants to hear first.

A cause explains a mechanism, a mechanism explains the circumstances, and the signal's
name explains nothing. Weighed with how sure each is, that gives the order in which
conclusions are told.
"""

from __future__ import annotations

from collections.abc import Iterable

from coresnap.model import Classifier

__all__ = ["by_usefulness", "is_cause", "usefulness"]

_CAUSE, _MECHANISM, _CIRCUMSTANCE, _SIGNAL = 1.0, 0.6, 0.4, 0.1
_SURE = {"certain": 3.0, "strong": 2.6, "probable": 1.5, "hint": 0.5}
_MECHANISMS = frozenset(
    {
        "abort",
        "alignment",
        "bounds",
        "illegal-instruction",
        "invalid-pointer",
        "noncanonical",
        "privileged",
        "return-corrupted",
        "terminate",
        "trap",
        "wild-jump",
    }
)
_CIRCUMSTANCES = frozenset(
    {"bit-flip", "inconsistent", "leak.suspect", "security", "stop"}
)
_SIGNALS = frozenset({"segv", "bus", "fpe", "ill", "sys", "quit"})
_UNDER = {
    "memory.read": _MECHANISM,
    "memory.write": _MECHANISM,
    "memory.exec": _MECHANISM,
    "memory": _CIRCUMSTANCE,
    "limit": _CIRCUMSTANCE,
    "security": _CIRCUMSTANCE,
}
"""By name, or by the part before the dot."""


def usefulness(classifier: Classifier) -> float:
    """How much it tells: 0.05 for a hint about the signal, 3 for a certain cause."""
    return _weight(classifier.name) * _SURE[classifier.confidence]


def is_cause(classifier: Classifier) -> bool:
    """Whether it explains something, rather than being explained."""
    return _weight(classifier.name) >= _CAUSE


def by_usefulness(classifiers: Iterable[Classifier]) -> list[Classifier]:
    """The most useful first; equally useful ones keep their order."""
    return sorted(classifiers, key=usefulness, reverse=True)


def _weight(name: str) -> float:
    if name in _UNDER:
        return _UNDER[name]
    if name == "signal.sent":
        # Who sent it is all that there is to know of such a crash.
        return _CAUSE
    if name in _SIGNALS:
        return _SIGNAL
    if name in _MECHANISMS:
        return _MECHANISM
    if name in _CIRCUMSTANCES:
        return _CIRCUMSTANCE
    return _UNDER.get(name.partition(".")[0], _CAUSE)
