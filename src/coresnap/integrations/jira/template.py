"""Texts of a ticket with names in them: ``$title``, ``${uname.sysname}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from coresnap.integrations.jira.document import Block, Document, paragraph
from coresnap.integrations.wording import shown

__all__ = ["filled", "filled_document", "filled_fields"]

_NAME = re.compile(r"\$(?:\$|\{([A-Za-z_][\w.\-]*)\}|([A-Za-z_]\w*(?:\.\w+)*))")

Values = Callable[[str], str]
"""The text that a name stands for; empty where nothing is known."""
Blocks = Callable[[str], tuple[Block, ...] | None]
"""What a line that is nothing but a name stands for; None: it is an ordinary name."""


def filled(template: str, values: Values, most: int) -> str:
    """Return one visible line; ``$$`` is a dollar."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return shown(values(name), most) if name else "$"

    return shown(" ".join(_NAME.sub(value, template).split()), most)


def filled_document(template: str, values: Values, blocks: Blocks) -> Document:
    """Return a document: each line a paragraph, or the block that it names."""
    return tuple(
        block for line in template.splitlines() for block in _line(line, values, blocks)
    )


def _line(line: str, values: Values, blocks: Blocks) -> Iterable[Block]:
    only = _NAME.fullmatch(line.strip())
    if only is not None and (name := only[1] or only[2]):
        found = blocks(name)
        if found is not None:
            return found
    text = filled(line, values, 2_000)
    return (paragraph(text),) if text else ()


def filled_fields(value: Any, values: Values) -> Any:  # noqa: ANN401 - any JSON
    """Return a field's JSON with the names in its texts replaced."""
    if isinstance(value, str):
        return filled(value, values, 255)
    if isinstance(value, list):
        return [filled_fields(item, values) for item in value]
    if isinstance(value, dict):
        return {key: filled_fields(item, values) for key, item in value.items()}
    return value
