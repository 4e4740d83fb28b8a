"""``coresnap plugin``: list the plug-ins that are installed, or try one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.named_object import named_object
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.plugin import PluginTrial

NAME = "plugin"
HELP = "list the plug-ins of analysis, or try one on a core or snapshot"
DESCRIPTION = """\
Without arguments, lists the plug-ins that are installed here and run in every analysis.
With arguments, has one of them look at a core, which is analysed first, or at a
snapshot, whose stored memory it reads; prints what it adds and what it raised. MODULE
is also looked for in the current directory.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``plugin``."""
    parser.add_argument(
        "plugin",
        nargs="?",
        metavar="MODULE:FUNCTION",
        help="the plug-in, as an entry point names it",
    )
    parser.add_argument(
        "source", nargs="?", metavar="CORE|SNAPSHOT", help="a core or snapshot file"
    )
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON; errors too"
    )


def run(arguments: argparse.Namespace) -> int:
    """List, or print what the plug-in adds; 1 if something cannot be loaded or run."""
    if arguments.plugin is None:
        return _list(as_json=arguments.json)
    if arguments.source is None:
        raise UsageError(
            "a plug-in needs something to look at",
            remedy="Name a core or a snapshot behind it.",
        )
    from coresnap.plugin import try_plugin

    plugin = named_object(arguments.plugin, "plug-in", "my_plugins:queues")
    trial = try_plugin(plugin, arguments.source)
    if arguments.json:
        import msgspec

        emit(msgspec.json.encode(trial).decode() + "\n")
    else:
        emit(_text(trial))
    return 1 if trial.problem else 0


def _list(*, as_json: bool) -> int:
    from coresnap.analysis.entry_points import installed
    from coresnap.analysis.plugins import GROUP

    plugins, notes = installed(GROUP)
    if as_json:
        import msgspec

        form = {"plugins": sorted(plugins), "problems": [n.message for n in notes]}
        emit(msgspec.json.encode(form).decode() + "\n")
    else:
        lines = [*sorted(plugins), *(f"problem: {note.message}" for note in notes)]
        emit("\n".join(lines or ["no plug-in is installed"]) + "\n")
    return 1 if notes else 0


def _text(trial: PluginTrial) -> str:
    from coresnap.snapshot.annotation_lines import annotation_lines
    from coresnap.snapshot.escape import printable
    from coresnap.snapshot.ink import Ink

    lines = [
        f"attribute {printable(name)} = {printable(str(value))}"
        for name, value in trial.attributes.items()
    ]
    for one in trial.classifiers:
        lines.append(f"classifier {printable(one.name)} ({one.confidence})")
        lines += [
            f"  {printable(text)}" for text in (one.summary, *one.evidence) if text
        ]
    for place, annotation in trial.annotations:
        lines.append(printable(place) or "the crash")
        lines += annotation_lines([annotation], Ink(), "  ")
    if trial.problem:
        lines.append(f"problem: {printable(trial.problem)}")
    return "\n".join(lines or ["it adds nothing"]) + "\n"
