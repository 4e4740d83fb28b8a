"""Compares how fast two commits are: benchmarks/compare.py BASE [HEAD].

Both commits are checked out beside each other and installed into environments of their
own, with the same versions of others' libraries. Then each benchmark measures both in
turn, round by round, and the table says for each figure whether the difference is more
than noise. It needs root, a Linux kernel of its own, a compiler, and a machine on which
nothing else runs; one that is busy widens the intervals and hides what is small.

    compare.py v0.1.0                                 a release with what is here
    compare.py HEAD~20 HEAD                           two commits
    compare.py HEAD~1 --only start,show --rounds 25   small things, more surely
    compare.py v0.1.0 --directory /var/tmp/compare    installations kept for next time

Exit status: 0 if nothing is slower, 1 for a regression: slower by more than --threshold
and beyond noise; 2 if a commit cannot be had, something could not be measured, or the
command line is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from comparison import Comparison, compared, markdown
from quick import BENCHMARKS, described
from sides import CannotCompareError, Side, make_side, remove_worktree

from coresnap.errors import CoresnapError

__all__ = ["main"]

Figures = dict[str, dict[str, list[float]]]
"""Figure's name to side's name to one value for each round."""


def main() -> int:
    options = arguments()
    with kept_or_temporary(options.directory) as directory:
        try:
            sides = (
                make_side("base", options.base, directory),
                make_side("head", options.head, directory),
            )
            found, missed = measured_all(options, sides)
        except CannotCompareError as error:
            print(f"compare: {error}", file=sys.stderr)
            return 2
        finally:
            if options.directory is None:
                remove_worktree(directory)
    report(found, sides, options)
    for name, reason in missed.items():
        print(f"not measured: {name}: {reason}")
    if any(c.is_regression(options.threshold) for c in found):
        return 1
    return 2 if missed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/compare.py",
        description=__doc__,
        epilog=f"benchmarks:\n{described()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument(
        "head", metavar="HEAD", nargs="?", default="HEAD", help="default: HEAD"
    )
    parser.add_argument(
        "--only", metavar="NAME,…", type=names, default=list(BENCHMARKS)
    )
    parser.add_argument("--rounds", type=rounds, default=11, metavar="N")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.1,
        metavar="PART",
        help="what counts as a regression: 0.1 (default) is a tenth more",
    )
    parser.add_argument(
        "--directory", type=Path, help="keep both installations, and use them again"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    return parser.parse_args()


def names(text: str) -> list[str]:
    chosen = text.split(",")
    for name in chosen:
        if name not in BENCHMARKS:
            raise argparse.ArgumentTypeError(
                f"{name} is none of {', '.join(BENCHMARKS)}"
            )
    return chosen


def rounds(text: str) -> int:
    number = int(text)
    if number < 3:
        raise argparse.ArgumentTypeError("fewer than 3 rounds say nothing about noise")
    return number


@contextlib.contextmanager
def kept_or_temporary(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.absolute()
        return
    made = Path(tempfile.mkdtemp(prefix="coresnap-compare-", dir="/var/tmp"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def measured_all(
    options: argparse.Namespace, sides: tuple[Side, ...]
) -> tuple[list[Comparison], dict[str, str]]:
    """Return what was measured, and why the rest was not: a side may lack a command."""
    found: list[Comparison] = []
    missed: dict[str, str] = {}
    for name in options.only:
        try:
            found += measured(name, sides, options.rounds)
        except (CoresnapError, OSError, subprocess.SubprocessError) as error:
            missed[name] = str(error)
        except SystemExit as error:
            missed[name] = str(error.code)
    return found, missed


def measured(name: str, sides: tuple[Side, ...], number: int) -> list[Comparison]:
    """Measure one benchmark on both sides, after a round that warms what can be."""
    benchmark = BENCHMARKS[name]
    figures: Figures = defaultdict(lambda: defaultdict(list))
    print(f"compare: {name}", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="cs", dir="/dev/shm") as scratch,
        benchmark.prepare(Path(scratch), sides) as measure,
    ):
        for turn in range(number + 1):
            # Who comes second finds warm what the first one warmed: they take turns.
            for side in sides if turn % 2 else sides[::-1]:
                for figure, value in measure(side).items():
                    if turn:
                        figures[figure][side.name].append(value)
    return [
        compared(figure, unit, figures[figure]["base"], figures[figure]["head"])
        for figure, unit in benchmark.units.items()
    ]


def report(
    found: list[Comparison], sides: tuple[Side, ...], options: argparse.Namespace
) -> None:
    for side in sides:
        print(f"{side.name}: {side.subject}  ")
    machine = f"{platform.system()} {platform.release()}, {platform.machine()}"
    print(f"{options.rounds} rounds, {machine}, {os.cpu_count()} processors\n")
    print(markdown(found, options.threshold))
    if options.json:
        content = {
            "sides": {side.name: side.commit for side in sides},
            "machine": machine,
            "threshold": options.threshold,
            "figures": [one.as_json(options.threshold) for one in found],
        }
        options.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
