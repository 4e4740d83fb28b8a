"""``coresnap explain``: why does this crash have its fingerprint?"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from coresnap.views.cli import rule_options
from coresnap.views.cli.named_snapshot import open_named
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.analysis.fingerprint import Fingerprint
    from coresnap.config.rulesets import Ruleset
    from coresnap.model import Snapshot

NAME = "explain"
HELP = "say which rules made a crash's fingerprint, and try others"
DESCRIPTION = """\
Makes the fingerprint of a snapshot again and prints what each rule did to each frame
of the crashed thread: kept, renamed, dropped, stopped, collapsed or cut; and both
stacks that come out, the one to read and the one that is signed. With --rules it shows
what rules of one's own would change, before they are put into use.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``explain``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    rule_options.add_arguments(parser, "--rules")
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


def run(arguments: argparse.Namespace) -> int:
    """Make the fingerprint, without and with the rules, and print how."""
    from coresnap.snapshot.container import read_snapshot

    rulesets = rule_options.rulesets(arguments)
    snapshot = read_snapshot(open_named(arguments.snapshot, arguments.config))
    plain = make_fingerprint(snapshot, ())
    found = make_fingerprint(snapshot, rulesets) if rulesets else plain
    if arguments.json:
        form = _as_json(snapshot, plain, found)
        emit(json.dumps(form, indent=2) + "\n")
    else:
        emit("\n".join(_lines(snapshot, plain, found)) + "\n")
    return 0


def make_fingerprint(snapshot: Snapshot, rulesets: tuple[Ruleset, ...]) -> Fingerprint:
    """Make a snapshot's fingerprint again, from what it holds."""
    from coresnap.analysis.fingerprint import (
        fingerprint,
        record_fingerprint,
        recorded_circumstances,
    )
    from coresnap.analysis.fingerprint.circumstances import PANIC

    facts = recorded_circumstances(
        snapshot.signal, snapshot.system, snapshot.pid, snapshot.attributes
    )
    application = application_of(snapshot)
    is_kernel = facts.signal == PANIC
    if not is_kernel and not (snapshot.threads and snapshot.core_size):
        kind = str(snapshot.attributes.get("crash.kind", "")) or None
        return record_fingerprint(application, facts.signal, kind)
    frames = snapshot.threads[0].frames if snapshot.threads else ()
    return fingerprint(application, facts.signal, frames, facts, rulesets)


def application_of(snapshot: Snapshot) -> str:
    """Return the name that a snapshot's program goes by."""
    return str(snapshot.attributes.get("application") or snapshot.command or "?")


def _as_json(
    snapshot: Snapshot, plain: Fingerprint, found: Fingerprint
) -> dict[str, Any]:
    return {
        "application": application_of(snapshot),
        "family": found.family,
        "message": found.message,
        "late": found.late,
        "signed": list(found.signed),
        "attributes": found.attributes,
        "frames": [
            {
                "index": line.index,
                "function": line.frame.function,
                "module": line.frame.module,
                "text": line.text,
                "fate": line.fate,
                "rule": line.rule,
                "signed": line.signed,
                "shown": line.shown,
            }
            for line in found.lines
        ],
        "callstack": list(found.callstack),
        "fingerprint_frames": list(found.frames),
        "fingerprint": found.digest,
        "fingerprint_without_rules": plain.digest,
        "fingerprint_recorded": snapshot.fingerprint,
    }


def _lines(snapshot: Snapshot, plain: Fingerprint, found: Fingerprint) -> list[str]:
    from coresnap.snapshot.escape import printable

    signal = snapshot.signal.name if snapshot.signal is not None else "no signal"
    heading = [application_of(snapshot), signal, f"family {found.family or 'record'}"]
    if found.message:
        heading.append(f"message {found.message}")
    if found.late:
        heading.append("noticed late")
    lines = ["  ".join(printable(word) for word in heading), "", *_frames(found), ""]
    for title, stack in (("to read", found.callstack), ("to sign", found.frames)):
        lines += [f"{title}:", *(f"  {printable(text)}" for text in stack), ""]
    lines += [f"signed too: {printable(text)}" for text in found.signed]
    lines += [
        f"attribute {printable(f'{name} = {value}')}"
        for name, value in found.attributes.items()
    ]
    return lines + _digests(snapshot, plain, found)


def _frames(found: Fingerprint) -> list[str]:
    from coresnap.snapshot.escape import printable

    names = [printable(line.frame.function or line.text) for line in found.lines]
    width = min(max(map(len, names), default=0), 48)
    return [
        f"  #{line.index:<3} {name:<{width}}  {line.fate:<9}  "
        f"{printable(line.rule)}".rstrip()
        for name, line in zip(names, found.lines, strict=True)
    ]


def _digests(snapshot: Snapshot, plain: Fingerprint, found: Fingerprint) -> list[str]:
    lines = [f"fingerprint    {found.digest}"]
    if found is not plain:
        remark = " (the same)" if found.digest == plain.digest else ""
        lines.append(f"without rules  {plain.digest}{remark}")
    if snapshot.fingerprint not in (found.digest, plain.digest):
        lines.append(
            f"recorded       {snapshot.fingerprint} (by other rules or another version)"
        )
    return lines
