"""Code in tables as GitHub shows it."""

from __future__ import annotations

import re

from website.prose import change_prose

__all__ = ["unescape_pipes"]


def unescape_pipes(text: str) -> str:
    r"""Return a page's text with ``|`` for ``\|`` in code of its tables.

    GitHub parts cells first and takes the backslash away; Python-Markdown looks for
    code first, and would show it.
    """
    return change_prose(text, _row)


def _row(line: str) -> str:
    if not line.startswith("|"):
        return line
    return re.sub(r"`[^`]+`", lambda code: code[0].replace("\\|", "|"), line)
