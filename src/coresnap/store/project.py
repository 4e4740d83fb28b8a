"""A project: what faults, tokens and rules belong to."""

from __future__ import annotations

import attrs

__all__ = ["Project"]


@attrs.frozen
class Project:
    """One project of a universe."""

    id: int
    """In the state; also the name of its part of index and objects."""
    universe: str
    name: str

    def __str__(self) -> str:
        return f"{self.universe}/{self.name}"
