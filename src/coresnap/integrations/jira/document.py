"""What stands in a ticket, before it is Atlassian's document or wiki markup.

Everything that a process chose is cut and made visible when a block is made, so that
neither form needs to think of it again.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from coresnap.integrations.wording import shown

__all__ = [
    "Block",
    "Code",
    "Document",
    "Link",
    "Paragraph",
    "code",
    "paragraph",
]

_MOST_CODE = 8_000
_MOST_TEXT = 2_000
"""Characters. Jira takes 32,767 of a field; wiki markup writes some of them as six."""


@attrs.frozen
class Link:
    """An address of ours that people can follow."""

    text: str
    url: str


@attrs.frozen
class Paragraph:
    """Text, and links in it."""

    parts: tuple[str | Link, ...]


@attrs.frozen
class Code:
    """Lines that are shown as they are."""

    text: str


Block = Paragraph | Code
Document = tuple[Block, ...]


def paragraph(*parts: str | Link) -> Paragraph:
    """Return a paragraph of visible text; empty parts are left out."""
    return Paragraph(
        tuple(p if isinstance(p, Link) else shown(p, _MOST_TEXT) for p in parts if p)
    )


def code(lines: Iterable[str], most: int = _MOST_CODE) -> Code:
    """Return lines as a block; what is more than ``most`` characters is left out."""
    kept: list[str] = []
    size = left = 0
    for line in lines:
        text = shown(line, 500)
        size += len(text) + 1
        if size > most or left:
            left += 1
        else:
            kept.append(text)
    if left:
        kept.append(f"… {left} more")
    return Code("\n".join(kept))
