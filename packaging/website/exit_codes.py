"""The page of exit codes, made of the exceptions that have them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator

from coresnap import errors

__all__ = ["exit_codes_page"]

_NAMES = {
    getattr(os, name): name
    for name in dir(os)
    if name.startswith("EX_") and isinstance(getattr(os, name), int)
}
"""Of sysexits.h."""

_INTRODUCTION = """\
0 is success. An error is told on standard error, with what to try; with `--json` on
standard output, too. Codes follow sysexits.h. A command that says something else by its
code has it on its manual page, as
[`coresnap status`](../commands/coresnap-status.md#exit-status) does to monitors.
"""


def exit_codes_page() -> str:
    """Return a page with every code that a command ends with, and every error."""
    lines = [
        "# Exit codes",
        "",
        _INTRODUCTION,
        "| code | sysexits.h | error | means | what to try |",
        "|---|---|---|---|---|",
        *(_row(kind) for kind in _tree(errors.CoresnapError)),
        "",
        "130 and 141 say that a command was interrupted (SIGINT), and that what reads "
        "its output went away (SIGPIPE), as shells do.",
    ]
    return "\n".join(lines) + "\n"


def _tree(root: type[errors.CoresnapError]) -> list[type[errors.CoresnapError]]:
    return sorted(
        {root, *_below(root)}, key=lambda kind: (kind.exit_code, kind.__name__)
    )


def _below(kind: type[errors.CoresnapError]) -> Iterator[type[errors.CoresnapError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _below(child)


def _row(kind: type[errors.CoresnapError]) -> str:
    first = (inspect.getdoc(kind) or "").partition("\n\n")[0]
    cells = [
        str(kind.exit_code),
        f"`{_NAMES[kind.exit_code]}`" if kind.exit_code in _NAMES else "",
        f"`{kind.__name__}`",
        " ".join(first.replace("``", "`").split()),
        " ".join(kind.remedy.split()),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
