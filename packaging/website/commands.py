"""The page of all commands, made of their parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import command_parser, load, main_parser
from coresnap.views.cli.program import CORESNAP, Program

__all__ = ["PROGRAMS", "commands_page"]

PROGRAMS = (CORESNAP, CORONER)


def commands_page() -> str:
    """Return a page with every command and option, a line each."""
    lines = ["# All commands", ""]
    lines += [
        "Every command with its arguments and options, as `-h` says them. The manual "
        "pages say more, with examples.",
        "",
    ]
    for program in PROGRAMS:
        lines += _program(program)
    return "\n".join(lines) + "\n"


def _program(program: Program) -> Iterator[str]:
    yield f"## {program.name}"
    yield ""
    yield program.purpose
    yield ""
    yield from _table(main_parser(program))
    for name in program.commands:
        parser = command_parser(load(name, program), program)
        yield f"### {program.name} {name}"
        yield ""
        manual = f"../commands/{program.name}-{name}.md"
        yield f"[Manual page]({manual}): {load(name, program).HELP}."
        yield ""
        yield from _table(parser)


def _table(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| word | does |"
    yield "|---|---|"
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield f"| {_words(action)} | {_meaning(parser, action)} |"
    yield ""


def _words(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return f"`{value}`"
    ends = f" {value}" if value else ""
    return ", ".join(f"`{option}{ends}`" for option in action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = action.metavar or (action.choices and "{" + ",".join(action.choices) + "}")
    return str(name or action.dest.upper()).replace("|", "\\|")


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    values = {**vars(action), "prog": parser.prog}
    text = " ".join(((action.help or "") % values).split())
    # What stands in brackets or with < would be markup.
    text = re.sub(r"([<\[\]*_|])", r"\\\1", text)
    return text + ("" if text.endswith(".") else ".")
