"""``coresnap list``: the crashes on this machine."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.collect.spool import Part, Usage
    from coresnap.config import Config
    from coresnap.crash import Archive
    from coresnap.views.cli.archive_lines import Shown

NAME = "list"
HELP = "show the crashes that were caught"
DESCRIPTION = """\
Shows the crashes in the spool, newest last: stage and id, what there is of each
(c core, s snapshot, a assets), the program, when it crashed, and the size of its
newest part. A word behind it says that the core is not whole (stacks, notes, record),
that the process is just being dumped (dumping), that the store will not have the
snapshot (refused), or that who sends died of it (aside). The last line counts objects
(O) and bytes of each stage; sizes are decimal, as everywhere here: 1 kB = 1000 bytes,
1 mB = 1000 kB. If storms kept crashes out of the spool, a line below says how many.

SUBSTRING shows only crashes of programs, or ids, that contain it.
"""

_RECENT = 10
_UNITS = ("B", "kB", "mB", "gB", "tB")
_NAME_WIDTH = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``list``."""
    parser.add_argument(
        "substring",
        metavar="SUBSTRING",
        nargs="?",
        default="",
        help="only programs or ids that contain it",
    )
    parser.add_argument(
        "-a", "--all", action="store_true", help=f"all, not only the last {_RECENT}"
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="how each core was taken: id in full, time held, what was kept and why, "
        "and whether the store has its snapshot",
    )
    parser.add_argument(
        "--history",
        metavar="ID",
        help="what happened to one crash instead; the start of its id is enough",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the listing."""
    from coresnap.collect.admission import read_admission
    from coresnap.collect.overview import known
    from coresnap.collect.spool import Spool
    from coresnap.config import load_config
    from coresnap.views.cli.archive_lines import look_up
    from coresnap.views.cli.sending_lines import sending_by_id
    from coresnap.views.cli.suppressed import admission_facts, suppressed_line

    config = load_config(arguments.config)
    if arguments.history is not None:
        return _print_history(config, arguments)
    with Spool(config.spool) as spool:
        found = [a for a in spool.archives() if _fits(a, arguments.substring)]
        chosen = found if arguments.all else found[-_RECENT:]
        sending = sending_by_id(config)
        shown = [look_up(spool, one, sending.get(one.id)) for one in chosen]
        usage = spool.usage()
    admission = admission_facts(known(lambda: read_admission(config.admission)))
    if arguments.json:
        emit(json.dumps({**_as_json(shown, usage), "admission": admission}) + "\n")
        return 0
    hidden = len(found) - len(shown)
    emit(render_listing(shown, hidden, usage, verbose=arguments.verbose))
    if line := suppressed_line(admission):
        emit(line + "\n")
    return 0


def _print_history(config: Config, arguments: argparse.Namespace) -> int:
    import attrs

    from coresnap.collect.journal import read_history
    from coresnap.views.cli.archive_lines import history_lines

    prefix = arguments.history.rpartition("/")[2].replace("-", "").rstrip(".").lower()
    if not re.fullmatch(r"[0-9a-f]{1,32}", prefix):
        raise UsageError(f"{arguments.history!r} is not the start of an id")
    found = read_history(config.journal, prefix)
    if not found:
        raise MissingError(
            f"the journal knows no crash {arguments.history}",
            remedy="`coresnap list -a` shows all that are in the spool.",
        )
    if len(found) > 1:
        raise UsageError(
            f"{arguments.history} is the start of {len(found)} ids",
            remedy="One of: " + ", ".join(sorted(found)[:5]),
        )
    (records,) = found.values()
    if arguments.json:
        emit(json.dumps([attrs.asdict(record) for record in records]) + "\n")
    else:
        emit("\n".join([*history_lines(records), ""]))
    return 0


def _fits(archive: Archive, text: str) -> bool:
    return text in archive.application or text.replace("-", "") in archive.id


def render_listing(
    shown: Sequence[Shown],
    hidden: int,
    usage: dict[Part, Usage],
    *,
    verbose: bool = False,
) -> str:
    """Return the lines for the archives and the footer; ``hidden`` more exist."""
    lines = [f"   ... {hidden} older, `coresnap list -a` shows all"] if hidden else []
    names = [_clip(printable(one.archive.application)) for one in shown]
    width = max(map(len, names), default=0)
    for one, name in zip(shown, names, strict=True):
        lines.append(f"{_line(one.archive, name, width)}  {one.remarks}".rstrip())
        if verbose:
            lines.append(f"      {'; '.join(one.details)}")
    footer = [
        f"[{part}]/{used.objects}O/{_size(used.size)}"
        for part, used in usage.items()
        if part != "assets"
    ]
    return "\n".join([*lines, " ".join(footer)]) + "\n"


def _line(archive: Archive, name: str, width: int) -> str:
    when = time.ctime(archive.time / 1e9)
    return (
        f"   {archive.stage}/{_short(archive.id)} {_flags(archive)} {name:<{width}}   "
        f"{when}   {_size(archive.size):>8}"
    )


def _short(archive_id: str) -> str:
    return f"{archive_id[:8]}-{archive_id[8:11]}..."


def _flags(archive: Archive) -> str:
    return "".join(
        letter if there else "-"
        for letter, there in (
            ("c", archive.has_core),
            ("s", archive.has_snapshot),
            ("a", archive.has_assets),
        )
    )


def _clip(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…"


def _size(size: float) -> str:
    unit = 0
    while size >= 999.995 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.2f}{_UNITS[unit]}" if unit else f"{size:.0f}B"


def _as_json(shown: Sequence[Shown], usage: dict[Part, Usage]) -> dict[str, object]:
    return {
        "archives": [one.as_json() for one in shown],
        "stages": {
            part: {
                "objects": used.objects,
                "size": used.size,
                "disk_size": used.disk_size,
            }
            for part, used in usage.items()
        },
    }
