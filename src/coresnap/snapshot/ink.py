"""Colour for terminals: five meanings, never the only carrier of one."""

from __future__ import annotations

import msgspec

__all__ = ["Ink"]


class Ink(msgspec.Struct, frozen=True):
    """Paints text, or leaves it as it is when ``colour`` is off."""

    colour: bool = False

    def title(self, text: str) -> str:
        """Paint a heading."""
        return self._paint("1", text)

    def alarm(self, text: str) -> str:
        """Paint what went wrong."""
        return self._paint("1;31", text)

    def function(self, text: str) -> str:
        """Paint the name of a function."""
        return self._paint("33", text)

    def place(self, text: str) -> str:
        """Paint a file and line."""
        return self._paint("36", text)

    def doubt(self, text: str) -> str:
        """Paint what is missing or not certain."""
        return self._paint("2", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text
