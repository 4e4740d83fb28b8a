"""What is to be scrubbed, and what was found."""

from __future__ import annotations

import msgspec

from coresnap.config.scrub_expressions import SCRUBBERS

__all__ = ["BUILT_IN", "Expression", "Finding", "Rules"]

BUILT_IN = SCRUBBERS
"""Names of the scrubbers that need no rule of one's own (``docs/scrubbing.md``)."""


class Expression(msgspec.Struct, frozen=True):
    """A scrubber that an administrator wrote."""

    name: str
    """What stands in the mark, and in findings."""
    pattern: str
    """A regular expression as ``config.bounded_regex`` takes it; if it has a group,
    that is what is taken out, else the whole match."""


class Rules(msgspec.Struct, frozen=True):
    """Which scrubbers look through a snapshot."""

    built_in: tuple[str, ...] = BUILT_IN
    expressions: tuple[Expression, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing is to be scrubbed."""
        return not (self.built_in or self.expressions)


class Finding(msgspec.Struct, frozen=True):
    """Secrets of one kind in one place of a snapshot."""

    scrubber: str
    place: str
    """Which field: ``threads[0].frames[1].variables[2].text``,
    ``memory 0x7ffd12345000``, ``assets process/environ``."""
    count: int
