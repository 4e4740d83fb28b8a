"""``coresnap similar``: which other crashes look like this one?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coresnap.views.cli.named_snapshot import open_named
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.snapshot.similarity import Comparison

NAME = "similar"
HELP = "rank other crashes by how near their stacks are"
DESCRIPTION = """\
Compares the normalised stack of a crash with those of others, given as files,
directories of snapshots or starts of ids, else with all crashes in the spool, and
ranks their fingerprints by distance: 0 is an equal stack, 1 one without a common
frame. A frame counts for more the nearer it is to the fault, and the rarer it is.

It suggests; nothing is merged.
"""
_LIMIT = 20


class _Known:
    """Crashes with one fingerprint."""

    def __init__(self, name: str, fingerprint: str, frames: tuple[str, ...]) -> None:
        self.name = name
        """Of the first of them."""
        self.fingerprint = fingerprint
        self.frames = frames
        self.count = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``similar``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    parser.add_argument(
        "others",
        metavar="OTHER",
        nargs="*",
        help="what to compare with: files, directories, starts of ids "
        "(default: all crashes in the spool)",
    )
    parser.add_argument(
        "--all", action="store_true", help="show also what is not near at all"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print below each how its frames stand to those of the crash",
    )
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


def run(arguments: argparse.Namespace) -> int:
    """Rank the others."""
    from coresnap.snapshot.similarity import SIMILAR, Rarity, compare

    one = _read(arguments.snapshot, open_named(arguments.snapshot, arguments.config))
    known = _by_fingerprint(_others(arguments))
    same = known.pop(one.fingerprint, None)
    rarity = Rarity([one.frames, *(other.frames for other in known.values())])
    ranked = [(compare(one.frames, o.frames, rarity), o) for o in known.values()]
    ranked.sort(key=lambda pair: (pair[0].distance, pair[1].fingerprint))
    if not arguments.all:
        ranked = [p for p in ranked if p[0].distance <= SIMILAR][:_LIMIT]
    if arguments.json:
        emit(json.dumps(_as_json(one, same, ranked), indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in _lines(same, ranked, arguments)))
    return 0


def _others(arguments: argparse.Namespace) -> Iterator[_Known]:
    if not arguments.others:
        yield from _in_spool(arguments.config)
    for name in arguments.others:
        if Path(name).is_dir():
            for path in sorted(Path(name).glob("*.csnap")):
                yield _read(str(path), str(path))
        else:
            yield _read(name, open_named(name, arguments.config))


def _in_spool(config: Path | None) -> Iterator[_Known]:
    from coresnap.collect.spool import Part, Spool
    from coresnap.config import load_config
    from coresnap.errors import MissingError, SnapshotFormatError
    from coresnap.views.cli.output import complain

    with Spool(load_config(config).spool) as spool:
        for archive in spool.archives():
            if archive.has_snapshot:
                try:
                    opened = spool.open(Part.SNAPSHOT, archive.id)
                except MissingError:
                    continue  # it was removed since the spool was listed
                try:
                    yield _read(archive.id[:12], opened)
                except SnapshotFormatError as error:
                    complain(f"{archive.id[:12]} is left out: {error}", error.remedy)


def _read(name: str, source: str | int) -> _Known:
    from coresnap.snapshot.container import open_snapshot

    with open_snapshot(source) as reader:
        summary = reader.summary
    return _Known(name, summary.fingerprint, summary.fingerprint_frames)


def _by_fingerprint(crashes: Iterator[_Known]) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    for crash in crashes:
        if (first := known.setdefault(crash.fingerprint, crash)) is not crash:
            first.count += 1
    return known


def _as_json(
    one: _Known, same: _Known | None, ranked: Sequence[tuple[Comparison, _Known]]
) -> dict[str, Any]:
    return {
        "fingerprint": one.fingerprint,
        "same": 0 if same is None else same.count,
        "similar": [
            {
                "distance": round(found.distance, 4),
                "fingerprint": other.fingerprint,
                "crashes": other.count,
                "first": other.name,
                "steps": [
                    {
                        "frame": step.frame,
                        "cost": round(step.cost, 4),
                        "one": step.one,
                        "other": step.other,
                    }
                    for step in found.steps
                ],
            }
            for found, other in ranked
        ],
    }


def _lines(
    same: _Known | None,
    ranked: Sequence[tuple[Comparison, _Known]],
    arguments: argparse.Namespace,
) -> Iterator[str]:
    from coresnap.snapshot.escape import printable

    if same is not None:
        yield f"same   {printable(same.fingerprint[:16])}  {_crashes(same)}"
    if not ranked:
        yield "nothing is near this crash" + ("" if arguments.all else " (see --all)")
    for found, other in ranked:
        short = printable(other.fingerprint[:16])
        yield f"{found.distance:.3f}  {short}  {_crashes(other)}"
        if arguments.explain:
            for step in found.steps:
                yield f"       {_mark(step.one, step.other)} {printable(step.frame)}"


def _crashes(known: _Known) -> str:
    from coresnap.snapshot.escape import printable

    count = "1 crash" if known.count == 1 else f"{known.count} crashes"
    return f"{count}, the first {printable(known.name)}"


def _mark(one: int | None, other: int | None) -> str:
    if one is None:
        return "+"
    return "-" if other is None else "=" if one == other else "~"
