"""What the text of a failed assertion says: expression, file, line, function.

The formats are those of ``assert.c`` in glibc, and of ``__assert`` in FreeBSD's libc
(``lib/libc/gen/assert.c``), musl (``src/exit/assert.c``) and Android's bionic.
"""

from __future__ import annotations

__all__ = ["assertion_parts"]


def assertion_parts(text: str) -> dict[str, str]:
    """The parts of an assertion's text; empty if it is none.

    ``expression`` always, ``program``, ``file``, ``line`` and ``function`` as far as
    the text has them.
    """
    for parse in (_glibc, _glibc_error, _glibc_own, _freebsd, _musl, _bionic):
        parts = parse(text)
        if parts:
            return {name: value for name, value in parts.items() if value}
    return {}


def _glibc(text: str) -> dict[str, str]:
    """``program: file:line: function: Assertion `expression' failed.``"""
    head, found, rest = text.partition("Assertion `")
    expression, closed, _ = rest.rpartition("' failed")
    if not found or not closed:
        return {}
    return {"expression": expression, **_place(head)}


def _glibc_error(text: str) -> dict[str, str]:
    """``program: file:line: function: Unexpected error: words.`` (assert_perror)"""
    head, found, words = text.partition("Unexpected error: ")
    place = _place(head) if found else {}
    if "line" not in place:
        return {}
    return {"expression": f"error: {words.removesuffix('.')}", **place}


def _glibc_own(text: str) -> dict[str, str]:
    """``Fatal glibc error: file:line (function): assertion failed: expression``"""
    place, found, expression = text.partition(": assertion failed: ")
    rest = place.removeprefix("Fatal glibc error: ")
    if rest == place or not found:
        return {}
    where, _, function = rest.removesuffix(")").partition(" (")
    file, _, line = where.rpartition(":")
    return {"expression": expression, "file": file, "line": line, "function": function}


def _place(head: str) -> dict[str, str]:
    """``program: file:line: function: ``; the program and the function may lack."""
    before, line, function = _split_at_line(head)
    if line is None:
        return {}
    program, separator, file = before.partition(": ")
    if not separator:
        program, file = "", before
    return {
        "program": program,
        "file": file,
        "line": line,
        "function": function.removesuffix(": "),
    }


def _split_at_line(head: str) -> tuple[str, str | None, str]:
    """Split at the first ``:digits: ``."""
    start = head.find(":")
    while start >= 0:
        end = head.find(":", start + 1)
        if end < 0:
            break
        digits = head[start + 1 : end]
        if digits.isascii() and digits.isdigit() and head[end + 1 : end + 2] == " ":
            return head[:start], digits, head[end + 2 :]
        start = end
    return head, None, ""


def _freebsd(text: str) -> dict[str, str]:
    """``Assertion failed: (expression), function F, file F, line N.``"""
    rest = text.removeprefix("Assertion failed: (")
    if rest == text:
        return {}
    rest, found, line = rest.rstrip(".").rpartition(", line ")
    if not found or not line.isdigit():
        return {}
    rest, _, file = rest.rpartition(", file ")
    expression, found, function = rest.rpartition(", function ")
    if not found:  # of a compiler that does not name it
        expression, function = rest, ""
    return {
        "expression": expression.removesuffix(")"),
        "file": file,
        "line": line,
        "function": function,
    }


def _musl(text: str) -> dict[str, str]:
    """``Assertion failed: expression (file: function: line)``"""
    rest = text.removeprefix("Assertion failed: ")
    expression, found, place = rest.rpartition(" (")
    parts = place.removesuffix(")").split(": ")
    if rest == text or not found or len(parts) != 3 or not parts[2].isdigit():
        return {}
    file, function, line = parts
    return {"expression": expression, "file": file, "line": line, "function": function}


def _bionic(text: str) -> dict[str, str]:
    """``file:line: function: assertion "expression" failed``"""
    head, found, rest = text.partition('assertion "')
    expression, closed, _ = rest.rpartition('" failed')
    if not found or not closed:
        return {}
    return {"expression": expression, **_place(head)}
