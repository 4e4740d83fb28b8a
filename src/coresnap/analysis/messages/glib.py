"""GLib's last words: g_assert and its kin, g_error, and other fatal logging.

The text of a failed assertion stands in ``__glib_assert_msg``, which GLib exports for
crash handlers (``glib/gtestutils.c``). A fatal log message is on the stack as fields of
``struct GLogField {key, value, length}`` (``glib/gmessages.h``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_glib_message"]

_LOGGING = frozenset({"g_log", "g_logv", "g_log_structured_array", "g_log_structured"})
_SEARCHED = 16
_LONGEST = 1 << 14


def find_glib_message(process: DeadProcess) -> Iterator[Message]:
    """Yield the text of the assertion or of the fatal message.

    ``parts`` are those of an assertion, or ``reason`` and ``domain``.
    """
    variable = process.symbol("__glib_assert_msg", "libglib-2.0")
    address = process.word(variable) if variable is not None else 0
    text = process.text(address, _LONGEST) if address else None
    if text and is_text(text):
        words = readable(text)
        parts = _assertion(words)
        yield Message("glib", words, address, "symbol", process.tid, parts)
    elif any(f.function in _LOGGING for f in process.frames[:_SEARCHED]):
        yield from _logged(process)


def _assertion(text: str) -> dict[str, str]:
    """``domain:ERROR:file:line:function: words`` (g_assertion_message)."""
    domain, found, rest = text.partition("ERROR:")
    place, separator, words = rest.partition(": ")
    file, _, where = place.rpartition(":")
    file, _, line = file.rpartition(":")
    if not found or not separator or not line.isdigit():
        return {"reason": text}
    expression = words.removeprefix("assertion failed: (")
    if expression != words:
        expression = expression.removesuffix(")")
    parts = {
        "expression": expression.removeprefix("assertion failed "),
        "file": file,
        "line": line,
        "function": where,
        "domain": domain.removesuffix(":"),
    }
    return {name: value for name, value in parts.items() if value}


def _logged(process: DeadProcess) -> Iterator[Message]:
    fields: dict[str, tuple[int, str]] = {}
    for (_, key), (_, value) in pairwise(process.stack_words()):
        name = _key(process, key)
        if name is None or name in fields:
            continue
        text = process.text(value, _LONGEST)
        if text and is_text(text):
            fields[name] = value, readable(text)
        if len(fields) == 2:
            break
    if "MESSAGE" in fields:
        address, text_found = fields["MESSAGE"]
        parts = {"reason": text_found}
        if "GLIB_DOMAIN" in fields:
            parts["domain"] = fields["GLIB_DOMAIN"][1]
        yield Message("glib", text_found, address, "log fields", process.tid, parts)


def _key(process: DeadProcess, address: int) -> str | None:
    if process.memory.find_mapping(address) is None:
        return None
    data = process.memory.read_some(address, 12)
    for name in (b"MESSAGE", b"GLIB_DOMAIN"):
        if data.startswith(name + b"\0"):
            return name.decode("ascii")
    return None
