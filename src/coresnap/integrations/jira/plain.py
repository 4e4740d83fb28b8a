"""A document as text for people, for what is shown before it is sent."""

from __future__ import annotations

from coresnap.integrations.jira.document import Block, Code, Document, Link

__all__ = ["to_text"]


def to_text(document: Document) -> str:
    """Return the text of a document; code is indented, addresses follow links."""
    return "\n\n".join(text for block in document if (text := _block(block)))


def _block(block: Block) -> str:
    if isinstance(block, Code):
        return "\n".join(f"    {line}" for line in block.text.splitlines())
    return "".join(_inline(part) for part in block.parts)


def _inline(part: str | Link) -> str:
    return f"{part.text} <{part.url}>" if isinstance(part, Link) else part
