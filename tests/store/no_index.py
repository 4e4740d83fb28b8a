"""For tests of what asks no index: one that must not be asked."""

from __future__ import annotations

from typing import Any

__all__ = ["NoIndex"]


class NoIndex:
    """Fails whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands for any method
        raise AssertionError(f"the index was asked: {name}")
