"""What a program of ours is: ``coresnap`` or ``coroner``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["CORESNAP", "Program"]


class Program(NamedTuple):
    """A program with commands, each in a module of its own."""

    name: str
    purpose: str
    """One sentence."""
    package: str
    """Where the commands' modules are."""
    commands: dict[str, str]
    """Command to its module, in the order of the help."""
    guide: str
    """What is printed without a command."""
    epilog: str
    """Below the help."""
    settings: str
    """What the option ``--config`` names."""
    config_options: tuple[str, ...] = ("--config",)
    default_words: Callable[[str, Path | None], list[str]] | None = None
    """For a command and the file of settings that is named: words that stand before
    those that were typed."""


_COMMANDS = {
    "analyze": "analyze",
    "show": "show",
    "report": "report",
    "list": "list",
    "explain": "explain",
    "similar": "similar",
    "retry": "retry",
    "symbols": "symbols",
    "resymbolize": "resymbolize",
    "pretty": "pretty",
    "plugin": "plugin",
    "import": "import_",
    "crashinfo": "crashinfo",
    "install": "install",
    "uninstall": "uninstall",
    "status": "status",
    "metrics": "metrics",
    "doctor": "doctor",
    "support-bundle": "support_bundle",
    "catch-test": "catch_test",
    "core": "core",
    "config": "config",
    "daemon": "daemon",
}

_GUIDE = """\
coresnap turns coredumps into answers.

  coresnap analyze CORE     why did this program die? (any core file)
  coresnap install          catch every crash of this machine from now on
  coresnap list             the crashes that were caught
  coresnap show ID          read one of them
  coresnap doctor           why is there no core?

`coresnap -h` lists all commands, `coresnap COMMAND -h` explains one.
"""

_EPILOG = """\
examples:
  coresnap analyze core.1234                       read a core, print what happened
  coresnap analyze core ./server -o server.csnap   keep it, ~1000 times smaller
  coresnap show server.csnap --thread all          every thread with its variables
  coresnap report server.csnap -o fault.html       all of it for any browser
  coresnap list nginx                              crashes of one program
  coresnap show 4f1c --json                        by the start of an id, for scripts

`coresnap COMMAND -h` explains a command. Exit codes follow sysexits.h; 0 is success.
"""

CORESNAP = Program(
    name="coresnap",
    purpose="Turns coredumps into answers.",
    package="coresnap.views.cli",
    commands=_COMMANDS,
    guide=_GUIDE,
    epilog=_EPILOG,
    settings="settings",
)
