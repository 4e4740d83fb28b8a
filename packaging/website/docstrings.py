"""Docstrings as their authors wrote them, for a site that reads Markdown."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["LiteralBlocks"]


class LiteralBlocks(griffe.Extension):
    """Takes the two colons away that announce an indented block."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401
        """Change the docstring of ``obj``."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """Return a docstring with ``text::`` as ``text:``, and without a lone ``::``."""
    text = re.sub(r"^::$", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<=\w)::$", ":", text, flags=re.MULTILINE)
