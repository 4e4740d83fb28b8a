"""Completion for bash, zsh and fish, made of the commands' own parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

from coresnap.daemon.main import add_arguments as add_daemon_arguments
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import command_parser, load, main_parser
from coresnap.views.cli.program import CORESNAP, Program

__all__ = ["completion_parsers", "write_completions"]

_PLACES = {
    "bash": "usr/share/bash-completion/completions/{}",
    "fish": "usr/share/fish/vendor_completions.d/{}.fish",
    "zsh": "usr/share/zsh/vendor-completions/_{}",
}
_DIRECTORIES = ("DIR", "DIRECTORY")
_FILES = ("FILE", "CORE", "DUMP", "PATH", "EXE")


def write_completions(root: Path) -> None:
    """Write the completions of all commands below ``root``."""
    for parser in completion_parsers():
        for shell, place in _PLACES.items():
            path = root / place.format(parser.prog)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shtab.complete(parser, shell).rstrip() + "\n")


def completion_parsers() -> Iterator[argparse.ArgumentParser]:
    """Yield a parser of everything that may be typed, for each of our commands."""
    for program in (CORESNAP, CORONER):
        yield _whole_parser(program)
    daemon = argparse.ArgumentParser(prog="coresnapd")
    daemon.add_argument("--config", metavar="FILE", type=Path, help="settings")
    add_daemon_arguments(daemon)
    _mark_files(daemon)
    yield daemon


def _whole_parser(program: Program) -> argparse.ArgumentParser:
    """Join the parsers of commands, of which a run of the program makes only one."""
    whole = main_parser(program)
    _mark_files(whole)
    commands = whole.add_subparsers(parser_class=argparse.ArgumentParser)
    for name in program.commands:
        command = load(name, program)
        own = command_parser(command, program)
        _mark_files(own)
        commands.add_parser(name, parents=[own], add_help=False, help=command.HELP)
    return whole


def _mark_files(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in set(action.choices.values()):
                _mark_files(child)
        elif action.metavar in _DIRECTORIES:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar in _FILES or action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
