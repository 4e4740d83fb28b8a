"""A document as Atlassian's document format, which Jira Cloud's API v3 takes.

Text is data there: nothing in it can become markup, a mention or a link.
"""

from __future__ import annotations

from typing import Any

from coresnap.integrations.jira.document import Block, Code, Document, Link

__all__ = ["to_adf"]


def to_adf(document: Document) -> dict[str, Any]:
    """Return the JSON form of a document, version 1."""
    content = [node for block in document if (node := _block(block)) is not None]
    return {"type": "doc", "version": 1, "content": content}


def _block(block: Block) -> dict[str, Any] | None:
    """Return a node, or None for an empty one: a text node of no length is refused."""
    if isinstance(block, Code):
        if not block.text:
            return None
        return {"type": "codeBlock", "content": [{"type": "text", "text": block.text}]}
    content = [_inline(part) for part in block.parts if part]
    return {"type": "paragraph", "content": content} if content else None


def _inline(part: str | Link) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    mark = {"type": "link", "attrs": {"href": part.url}}
    return {"type": "text", "text": part.text, "marks": [mark]}
