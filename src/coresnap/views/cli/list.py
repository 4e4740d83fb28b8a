"""``coresnap list``: the crashes on this machine."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.collect.spool import Part, Usage
    from coresnap.model import Archive

NAME = "list"
HELP = "show the crashes that were caught"
DESCRIPTION = """\
Shows the crashes in the spool, newest last: stage and id, what there is of each
(c core, s snapshot, a assets), the program, when it crashed, and the size of its
newest part. The last line counts objects (O) and bytes of each stage; sizes are
decimal, as everywhere here: 1 kB = 1000 bytes, 1 mB = 1000 kB.

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
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the listing."""
    from coresnap.collect.spool import Spool
    from coresnap.config import load_config

    with Spool(load_config(arguments.config).spool) as spool:
        found = [a for a in spool.archives() if _fits(a, arguments.substring)]
        usage = spool.usage()
    shown = found if arguments.all else found[-_RECENT:]
    if arguments.json:
        emit(json.dumps(_as_json(shown, usage)) + "\n")
    else:
        emit(render_listing(shown, len(found) - len(shown), usage))
    return 0


def _fits(archive: Archive, text: str) -> bool:
    return text in archive.application or text.replace("-", "") in archive.id


def render_listing(
    archives: Sequence[Archive], hidden: int, usage: dict[Part, Usage]
) -> str:
    """Return the lines for ``archives`` and the footer; ``hidden`` more exist."""
    lines = [f"   ... {hidden} older, `coresnap list -a` shows all"] if hidden else []
    names = [_clip(printable(archive.application)) for archive in archives]
    width = max(map(len, names), default=0)
    lines += [
        f"   {a.stage}/{_short(a.id)} {_flags(a)} {name:<{width}}   "
        f"{time.ctime(a.time / 1e9)}   {_size(a.size):>8}"
        for a, name in zip(archives, names, strict=True)
    ]
    footer = [
        f"[{part}]/{used.objects}O/{_size(used.size)}"
        for part, used in usage.items()
        if part != "assets"
    ]
    return "\n".join([*lines, " ".join(footer)]) + "\n"


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


def _as_json(
    archives: Sequence[Archive], usage: dict[Part, Usage]
) -> dict[str, object]:
    from coresnap.snapshot.escape import without_surrogates

    return {
        "archives": [
            {
                "id": archive.id,
                "stage": archive.stage,
                "application": without_surrogates(archive.application),
                "time": archive.time,
                "core": archive.has_core,
                "snapshot": archive.has_snapshot,
                "assets": archive.has_assets,
                "size": archive.size,
                "disk_size": archive.disk_size,
            }
            for archive in archives
        ],
        "stages": {
            part: {
                "objects": used.objects,
                "size": used.size,
                "disk_size": used.disk_size,
            }
            for part, used in usage.items()
        },
    }
