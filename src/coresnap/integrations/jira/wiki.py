"""A document as wiki markup, which Jira Data Center's API v2 takes.

Everything is markup there, so text is escaped: a crashed program could otherwise
mention people, load pictures, or show a link that is not ours.
"""

from __future__ import annotations

import re

from coresnap.integrations.jira.document import Block, Code, Document, Link

__all__ = ["to_wiki"]

# As entities, which Jira renders as the character. A backslash would do for some of
# them only: two are a line break. A colon before text makes links of addresses and
# faces; `(x)` is a red cross.
_MARKUP = re.compile(
    r"[\\{}\[\]*+^~!?|#&@]|:(?! )|(?<![A-Za-z0-9])[_-]|[_-](?![A-Za-z0-9])"
    r"|\((?=(?:[xyni/]|on|off|flag|flagoff)\))",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\s*[hHbB](?=[1-6qQ]\.)")
_FENCE = re.compile(r"\{(?=\s*noformat)", re.IGNORECASE)


def to_wiki(document: Document) -> str:
    """Return the markup of a document."""
    return "\n\n".join(text for block in document if (text := _block(block)))


def _block(block: Block) -> str:
    if isinstance(block, Code):
        if not block.text:
            return ""
        # Only the fence has a meaning inside of itself.
        return "{noformat}\n" + _FENCE.sub("{ ", block.text) + "\n{noformat}"
    return "".join(_inline(part) for part in block.parts)


def _inline(part: str | Link) -> str:
    if isinstance(part, Link):
        return f"[{_escaped(part.text)}|{part.url}]"
    return _escaped(part)


def _escaped(text: str) -> str:
    return _HEADING.sub(_entities, _MARKUP.sub(_entities, text))


def _entities(match: re.Match[str]) -> str:
    return "".join(f"&#{ord(character)};" for character in match[0])
