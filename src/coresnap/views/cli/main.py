"""The command line: finds a command's module, runs it, reports errors.

A command of a program is a module in its package with ``NAME``, ``HELP`` (one line),
``DESCRIPTION``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``; only
the module of the command asked for is imported. This file has the only
``except CoresnapError`` of the command line.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from coresnap.errors import CoresnapError, StorageError, UsageError
from coresnap.views.cli.output import (
    abandon_output,
    accept_any_text,
    complain,
    emit,
    error_body,
)
from coresnap.views.cli.program import CORESNAP, Program

if TYPE_CHECKING:

    class Command(Protocol):
        """What the module of a command offers."""

        NAME: str
        HELP: str
        DESCRIPTION: str

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Declare options and arguments (``--config`` is there already)."""

        def run(self, arguments: argparse.Namespace) -> int:
            """Do it and return the exit code; raise CoresnapError if it fails."""


__all__ = [
    "command_parser",
    "load",
    "main",
    "main_parser",
]

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None, program: Program = CORESNAP) -> int:
    """Run the words ``arguments`` (default: the process's) and return an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    accept_any_text()
    try:
        return _run_and_report(words, program)
    except BrokenPipeError:
        abandon_output()
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run_and_report(words: list[str], program: Program) -> int:
    try:
        code = _run(words, program)
        emit()
        return code
    except CoresnapError as error:
        complain(str(error), error.remedy, program.name)
        if "--json" in words:
            _emit_error(error)
        return error.exit_code


def _run(words: list[str], program: Program) -> int:
    options, rest = _split(words, program)
    arguments = argparse.Namespace(config=None)
    if options:
        main_parser(program).parse_args(options, arguments)
    if not rest:
        emit(program.guide)
        return 0
    command = load(rest[0], program)
    parser = command_parser(command, program)
    if program.default_words is not None:
        named = _named_config(rest[1:], program) or arguments.config
        rest[1:1] = program.default_words(rest[0], named)
    return command.run(_parsed(parser, rest[1:], arguments))


def _parsed(
    parser: argparse.ArgumentParser, words: list[str], before: argparse.Namespace
) -> argparse.Namespace:
    # Options may stand among many arguments, but not behind a `--` (argparse would
    # take them for ours). To allow it argparse formats the usage, which takes 1 ms.
    found, left = parser.parse_known_args(words, argparse.Namespace(**vars(before)))
    if not left:
        return found
    parse = parser.parse_args if "--" in words else parser.parse_intermixed_args
    return parse(words, before)


def _named_config(words: list[str], program: Program) -> Path | None:
    """The file of settings that is named among a command's words."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_config(parser, program, default=None)
    with contextlib.suppress(SystemExit):
        found: Path | None = parser.parse_known_args(words)[0].config
        return found
    return None


def _split(words: list[str], program: Program) -> tuple[list[str], list[str]]:
    """Part the options before the command from the command and its words."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in program.config_options else 1
    return words[:index], words[index:]


def load(name: str, program: Program = CORESNAP) -> Command:
    """Import the module of command ``name``; raise UsageError if there is none."""
    if name not in program.commands:
        import difflib

        near = difflib.get_close_matches(name, program.commands, n=1, cutoff=0.5)
        remedy = f"Did you mean `{program.name} {near[0]}`?" if near else ""
        raise UsageError(
            f"there is no command {name!r}",
            remedy=remedy or f"`{program.name} -h` lists the commands.",
        )
    module = importlib.import_module(f"{program.package}.{program.commands[name]}")
    return cast("Command", module)


def main_parser(program: Program = CORESNAP) -> argparse.ArgumentParser:
    """Return the parser of the words before the command."""
    option = program.config_options[0]
    parser = _MainParser(
        program,
        prog=program.name,
        usage=f"{program.name} [-h] [--version] [{option} FILE] COMMAND ...",
        epilog=program.epilog,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=_VersionAction, nargs=0, help="print the version and exit"
    )
    _add_config(parser, program, default=None)
    return parser


def command_parser(
    command: Command, program: Program = CORESNAP
) -> argparse.ArgumentParser:
    """Return the parser of the words after the command's name."""
    parser = _CommandParser(
        prog=f"{program.name} {command.NAME}",
        description=command.DESCRIPTION,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    _add_config(parser, program, default=argparse.SUPPRESS)
    command.add_arguments(parser)
    return parser


def _add_config(
    parser: argparse.ArgumentParser, program: Program, default: str | None
) -> None:
    parser.add_argument(
        *program.config_options,
        dest="config",
        metavar="FILE",
        type=Path,
        default=default,
        help=f"read {program.settings} from FILE instead of the usual places",
    )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse makes one for every option; to learn the width of the terminal it
    imports shutil, with three libraries for compression."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


@functools.cache
def _width() -> int:
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["COLUMNS"]) - 2
    with contextlib.suppress(OSError, ValueError):
        if sys.__stdout__ is not None:
            return os.get_terminal_size(sys.__stdout__.fileno()).columns - 2
    return 78


class _CommandParser(argparse.ArgumentParser):
    """argparse prints all options above what is wrong, and ends the process: with
    ``--json`` that would be no JSON."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy="\n".join(self._hints(message)))

    def _hints(self, message: str) -> Iterator[str]:
        misspelt = re.match(r"unrecognized arguments: (--[a-z-]+)", message)
        if misspelt:
            import difflib

            known = self._option_string_actions
            near = difflib.get_close_matches(misspelt[1], known, n=1)
            yield from (f"Did you mean `{one}`?" for one in near)
        yield f"usage: {self.usage or self._short_usage()}"
        yield f"`{self.prog} -h` explains them."

    def _short_usage(self) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(None, self._get_positional_actions(), [], prefix="")
        words = formatter.format_help().split()[len(self.prog.split()) :]
        return " ".join([self.prog, "[OPTIONS]", *words])


class _MainParser(_CommandParser):
    def __init__(self, program: Program, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.program = program

    def format_help(self) -> str:
        # Only the help needs every command's module.
        program = self.program
        lines = [f"  {n:<12} {load(n, program).HELP}" for n in program.commands]
        self.description = "\n".join([program.purpose, "", "commands:", *lines])
        return super().format_help()


class _VersionAction(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        *_: Any,  # noqa: ANN401 - argparse's protocol
    ) -> None:
        # Costs more than all of this file's imports.
        from importlib.metadata import version

        emit(f"{parser.prog} {version('coresnap')}\n")
        parser.exit()


def _emit_error(error: CoresnapError) -> None:
    import json

    # If standard output is what failed, standard error has said so.
    with contextlib.suppress(StorageError):
        emit(json.dumps({"error": error_body(error)}) + "\n")
