"""Which of the variables that belong to no function are wanted."""

from __future__ import annotations

import msgspec

from coresnap.errors import UsageError

__all__ = ["GlobalsChoice", "choose_globals"]


class GlobalsChoice(msgspec.Struct, frozen=True):
    """Which variables are wanted: of ``modules``, or by ``names`` in all modules."""

    modules: str
    """``none``, ``crashed`` or ``all``."""
    names: frozenset[str] = frozenset()


def choose_globals(text: str) -> GlobalsChoice:
    """Understand ``none``, ``crashed``, ``all``, or names with commas between them.

    Raises ``UsageError`` for an empty name.
    """
    if text in ("none", "crashed", "all"):
        return GlobalsChoice(text)
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UsageError(
            f"{text!r} names no variable",
            remedy="Write none, crashed, all, or names with commas between them.",
        )
    return GlobalsChoice("all", frozenset(names))
