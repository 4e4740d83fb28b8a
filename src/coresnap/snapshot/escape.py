"""Text from a crashed process, made safe to print.

A process chooses its name, arguments, paths and strings. Written raw they could move
the cursor, rename the terminal, or reorder a line by bidirectional controls
("Trojan Source", CVE-2021-42574).
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["printable", "quoted", "without_surrogates"]

# C0 and C1 controls, DEL, soft hyphen, Arabic letter mark, zero-width and
# bidirectional controls, line and paragraph separators, invisible operators,
# byte-order mark, interlinear annotations, tags, surrogates.
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_SURROGATE = "[\ud800-\udfff]"
# Compiled when one is met: few texts hold anything of the kind, and sets of so many
# characters take almost a millisecond.
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\x1b": "\\e"}


def printable(text: str) -> str:
    """Return ``text`` with everything that is not plainly visible escaped."""
    if text.isascii() and text.isprintable():
        return text  # nearly all; ten times as fast as the expression
    return re.sub(_UNSAFE, _escape, text)


def quoted(text: str) -> str:
    """Return ``text`` between double quotes as a C programmer writes it."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(inner)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # os.fsdecode holds byte NN as U+DCNN (PEP 383).
        code -= 0xDC00
    if character in _SHORT:
        return _SHORT[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def without_surrogates(value: Any) -> Any:  # noqa: ANN401 - any part of a snapshot
    """Return ``value`` with ``\\xNN`` for every stray byte in its texts.

    Paths and names that are no UTF-8 are held as surrogates (PEP 383), which no
    encoder accepts. Nouns, tuples, lists and dicts are walked.
    """
    if isinstance(value, str):
        return re.sub(_SURROGATE, _escape, value)
    if isinstance(value, dict):
        return {
            without_surrogates(key): without_surrogates(item)
            for key, item in value.items()
        }
    if isinstance(value, tuple | list):
        return type(value)(without_surrogates(item) for item in value)
    # Named instead of imported: who prints an error has no nouns, nor msgspec.
    names = getattr(type(value), "__struct_fields__", None)
    if names is not None:
        clean = {name: without_surrogates(getattr(value, name)) for name in names}
        return type(value)(**clean)
    return value
