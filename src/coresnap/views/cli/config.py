"""``coresnap config``: what is wrong with coresnap.conf, what holds, what is new."""

from __future__ import annotations

import argparse
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import ConfigError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.config.ini import Problem
    from coresnap.config.interpret import Reading
    from coresnap.config.origin import Effective

NAME = "config"
HELP = "find mistakes in coresnap.conf, say what holds, or let changes hold"
DESCRIPTION = """\
check [FILE]   names every mistake in coresnap.conf, or in FILE, with its line, and
               warns of values that are hardly meant
show [KEY...]  prints the settings that hold, and where each comes from: a line of the
               file, an application's section, or the default
reload         lets a changed file hold now: for the kernel's handler, and for the
               daemon if it runs; one with mistakes is refused and changes nothing
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``config``."""
    parser.add_argument(
        "action",
        metavar="check|show|reload",
        choices=("check", "show", "reload"),
        help="what to do",
    )
    parser.add_argument(
        "names",
        metavar="FILE|KEY",
        nargs="*",
        help="check: the file; show: only these settings, or those that begin so",
    )
    parser.add_argument(
        "--application",
        metavar="PATH",
        help="show what holds for crashes of this executable",
    )
    parser.add_argument(
        "--defaults",
        action="store_true",
        help="show a coresnap.conf with every setting and its default instead",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check, show or reload."""
    if arguments.action == "reload":
        from coresnap.views.cli.config_reload import reload_settings

        return reload_settings(arguments)
    if arguments.action == "check":
        return _check(arguments)
    return _show(arguments)


# --- check --------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    from coresnap.config.doubts import doubts
    from coresnap.config.ini import Level
    from coresnap.config.reading import read_settings

    if arguments.application is not None or arguments.defaults:
        raise UsageError(
            "--application and --defaults belong to `coresnap config show`"
        )
    if len(arguments.names) > 1:
        raise UsageError("`coresnap config check` takes one file")
    path = Path(arguments.names[0]) if arguments.names else arguments.config
    reading = read_settings(path)
    source = reading.config.source
    found = [*reading.problems, *doubts(reading), *_of_the_file(source)]
    found.sort(key=lambda problem: problem.line)
    errors = sum(problem.level == Level.ERROR for problem in found)
    if arguments.json:
        emit(json.dumps(_problems_as_json(source, found)) + "\n")
    else:
        emit("".join(_problem_lines(source, found)))
    return ConfigError.exit_code if errors else 0


def _of_the_file(source: Path | None) -> Iterator[Problem]:
    from coresnap.config.ini import Level, Problem

    if source is None:
        return
    status = os.stat(source)
    if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = "others than its owner may change the file"
        yield Problem(0, message, f"chmod go-w {source}", Level.WARNING)


def _problem_lines(source: Path | None, found: Sequence[Problem]) -> Iterator[str]:
    from coresnap.config.reading import place_of

    if source is None:
        yield "there is no coresnap.conf: the defaults hold\n"
        return
    for problem in found:
        place = printable(place_of(problem, source))
        yield f"{place}: {problem.level}: {printable(problem.message)}\n"
        if problem.remedy:
            yield f"    {printable(problem.remedy)}\n"
    if not found:
        yield f"{printable(str(source))}: nothing is wrong\n"


def _problems_as_json(
    source: Path | None, found: Sequence[Problem]
) -> dict[str, object]:
    return {
        "source": str(source) if source is not None else None,
        "problems": [
            {
                "line": problem.line or None,
                "level": problem.level,
                "message": problem.message,
                "remedy": problem.remedy,
            }
            for problem in found
        ],
    }


# --- show ---------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    from coresnap.config.origin import effective_settings
    from coresnap.config.reading import read_settings, usable

    if arguments.defaults:
        return _show_example(arguments)
    reading = read_settings(arguments.config)
    usable(reading)  # a file with errors is not what holds
    chosen = list(effective_settings(reading, arguments.application))
    if arguments.names:
        chosen = _choose(chosen, arguments.names)
    if arguments.json:
        emit(json.dumps(_settings_as_json(chosen, reading)) + "\n")
    else:
        emit("".join(_setting_lines(chosen, reading)))
    return 0


def _show_example(arguments: argparse.Namespace) -> int:
    from coresnap.config.example import example

    if arguments.names or arguments.application is not None or arguments.json:
        raise UsageError("--defaults prints a whole coresnap.conf, and nothing else")
    emit(example())
    return 0


def _choose(settings: list[Effective], names: Sequence[str]) -> list[Effective]:
    from coresnap.config.remedies import near_setting
    from coresnap.config.settings import SETTINGS

    chosen: list[Effective] = []
    for name in names:
        found = [one for one in settings if _is_meant(one, name)]
        if not found and name.partition(".")[0] != "format":
            near = near_setting(name, SETTINGS)
            remedy = f"Did you mean {near.name}?" if near is not None else ""
            raise UsageError(f"there is no setting {name}", remedy=remedy)
        chosen += [one for one in found if one not in chosen]
    return chosen


def _is_meant(setting: Effective, name: str) -> bool:
    full = f"{setting.section}.{setting.name}"
    return any(
        text == name or text.startswith(f"{name}.") for text in (setting.name, full)
    )


def _setting_lines(settings: Sequence[Effective], reading: Reading) -> Iterator[str]:
    names = [f"[{one.section}] {one.name}" for one in settings]
    values = [printable(one.value) for one in settings]
    name_width = max(map(len, names), default=0)
    value_width = max((len(value) for value in values if len(value) < 40), default=0)
    for name, value, one in zip(names, values, settings, strict=True):
        origin = printable(_origin(one, reading))
        yield f"{name:<{name_width}}  {value:<{value_width}}  {origin}\n"


def _origin(setting: Effective, reading: Reading) -> str:
    if setting.line is None:
        return "default"
    place = f"{reading.config.source}:{setting.line}"
    if setting.application:
        place += f" [application {setting.application}]"
    return f"{place} {setting.by}" if setting.by else place


def _settings_as_json(
    settings: Sequence[Effective], reading: Reading
) -> dict[str, object]:
    source = reading.config.source
    return {
        "source": str(source) if source is not None else None,
        "settings": [
            {
                "section": one.section,
                "name": one.name,
                "value": one.value,
                "line": one.line,
                "application": one.application or None,
                "by": one.by or None,
            }
            for one in settings
        ],
    }
