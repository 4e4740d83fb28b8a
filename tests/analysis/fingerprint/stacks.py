"""Stacks for tests of fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.analysis.fingerprint import Circumstances, Fingerprint, fingerprint
from coresnap.config.rulesets import Ruleset
from coresnap.model import Frame, Trust

__all__ = ["fingerprint_of", "frame", "stack"]


def frame(text: str, **fields: object) -> Frame:
    """``module:function``, of the program ``app`` without a module; ``module:`` has no
    name."""
    module, colon, function = text.partition("!")
    if not colon:
        module, function = "app", text
    place = f"/usr/bin/{module}" if module == "app" else f"/lib/{module}"
    values = {"function": function or None, "module": place, **fields}
    return Frame(0x1000, Trust.CFI, **values)  # type: ignore[arg-type]


def stack(*texts: str) -> list[Frame]:
    return [frame(text) for text in texts]


def fingerprint_of(
    frames: Sequence[Frame],
    signal: str = "SIGSEGV",
    rulesets: Sequence[Ruleset] = (),
    **circumstances: object,
) -> Fingerprint:
    facts = Circumstances(signal, **circumstances)  # type: ignore[arg-type]
    return fingerprint("app", signal, frames, facts, rulesets)
