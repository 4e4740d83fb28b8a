"""``coresnap pretty``: try a printer where there is no process any more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.views.cli.named_object import named_object
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.pretty import Trial

NAME = "pretty"
HELP = "try a printer for values of a type on a core or snapshot"
DESCRIPTION = """\
Has a printer present every value of its types in a core, with debug information as for
an analysis, or in a snapshot, of what was kept there; prints them, and what the printer
raised. MODULE is also looked for in the current directory.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``pretty``."""
    parser.add_argument(
        "printer",
        metavar="MODULE:FUNCTION",
        help="the printer, as an entry point names it",
    )
    parser.add_argument(
        "source", metavar="CORE|SNAPSHOT", help="a core or snapshot file"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="print also the members of the values",
    )
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON; errors too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what the printer makes of the values; 1 if it raised something."""
    printer = named_object(arguments.printer, "printer", "my_printers:point")
    from coresnap.pretty import try_printer

    trial = try_printer(printer, arguments.source)
    if arguments.json:
        import msgspec

        emit(msgspec.json.encode(trial).decode() + "\n")
    else:
        emit(_text(trial, raw=arguments.raw))
    return 1 if trial.problems else 0


def _text(trial: Trial, *, raw: bool) -> str:
    from coresnap.snapshot.escape import printable
    from coresnap.snapshot.values import variable_lines

    lines: list[str] = []
    for presented in trial.presented:
        label = printable(presented.place)
        lines += variable_lines(presented.variable, 100, label=label, raw=raw)
    lines += [f"problem: {printable(text)}" for text in trial.problems]
    return "\n".join(lines or ["no value of its types"]) + "\n"
