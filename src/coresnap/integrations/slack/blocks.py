"""A notice as a message of Slack (https://docs.slack.dev/reference/block-kit).

What a process chose stands in elements of rich text, which are data: nothing in them
can mention people, link or format. The texts outside of them are text objects, where
``&``, ``<`` and ``>`` begin such things and are escaped.
"""

from __future__ import annotations

from typing import Any

from coresnap.integrations.wording import Section, Wording

__all__ = ["Message", "escaped", "message_of", "reply_of"]

Message = dict[str, Any]
"""Fields of chat.postMessage: ``blocks``, and ``text`` for notifications."""
Block = dict[str, Any]

_MOST_HEADER = 150
_MOST_TEXT = 3_000
_MOST_URL = 3_000
_MOST_CODE = 3_000


def escaped(text: str, most: int = _MOST_TEXT) -> str:
    """Return text for a text object, of at most ``most`` characters as escaped."""
    parts: list[str] = []
    size = 0
    for character in text:
        part = _ESCAPES.get(character, character)
        size += len(part)
        if size > most - 1:
            return "".join(parts) + "…"
        parts.append(part)
    return "".join(parts)


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def message_of(wording: Wording) -> Message:
    """Return the message of a group, a digest or a test."""
    blocks: list[Block] = [
        {"type": "header", "text": _plain(wording.subject, _MOST_HEADER)},
        _rich(_paragraph(wording.happened)),
    ]
    if wording.summary:
        blocks.append(_rich(_paragraph(wording.summary)))
    if wording.facts:
        blocks.append(_rich(_facts(wording.facts)))
    for section in wording.sections:
        blocks.append(_rich(_paragraph(section.title, bold=True), _code(section)))
    blocks += _links(wording)
    blocks.append({"type": "context", "elements": [_plain(wording.origin, 300)]})
    return _message(wording, blocks)


def reply_of(wording: Wording) -> Message:
    """Return what is added to the thread of a group's message."""
    blocks = [_rich(_paragraph(wording.happened)), *_links(wording)]
    return _message(wording, blocks)


def _message(wording: Wording, blocks: list[Block]) -> Message:
    return {
        "text": escaped(f"{wording.subject}\n{wording.happened}"),
        "blocks": blocks,
        # Neither names nor addresses in the text become links.
        "parse": "none",
        "link_names": False,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": escaped(text, most), "emoji": False}


def _rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def _paragraph(text: str, *, bold: bool = False) -> Block:
    return {"type": "rich_text_section", "elements": [_text(text, bold=bold)]}


def _text(text: str, *, bold: bool = False) -> Block:
    element: Block = {"type": "text", "text": text or " "}
    return element | {"style": {"bold": True}} if bold else element


def _facts(facts: tuple[tuple[str, str], ...]) -> Block:
    lines = [
        {
            "type": "rich_text_section",
            "elements": [_text(f"{name}: ", bold=True), _text(value)],
        }
        for name, value in facts
    ]
    return {"type": "rich_text_list", "style": "bullet", "elements": lines}


def _code(section: Section) -> Block:
    kept: list[str] = []
    size = 0
    for line in section.lines:
        size += len(line) + 1
        if size > _MOST_CODE:
            kept.append("…")
            break
        kept.append(line)
    return {"type": "rich_text_preformatted", "elements": [_text("\n".join(kept))]}


def _links(wording: Wording) -> list[Block]:
    blocks: list[Block] = []
    if wording.get:
        get: Block = {"type": "text", "text": wording.get, "style": {"code": True}}
        blocks.append(_rich({"type": "rich_text_section", "elements": [get]}))
    if wording.url and len(wording.url) <= _MOST_URL:
        button = {
            "type": "button",
            "text": _plain("Open in Coresnap", 75),
            "url": wording.url,
            "action_id": "open",
        }
        blocks.append({"type": "actions", "elements": [button]})
    return blocks
