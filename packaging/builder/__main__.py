"""``packaging/build``: what is asked for, built in the order that it needs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from builder.command import BuildError, output_of
from builder.epoch import source_epoch
from builder.nfpm import Build, make_package
from builder.places import PACKAGING, REPOSITORY
from builder.staging import stage
from builder.wheel import build_wheel, version_of

_PACKAGES = ("deb", "rpm")
_KINDS = (*_PACKAGES, "wheel", "sdist")


def main() -> int:
    """Build, print the path of each result, and return the exit code."""
    arguments = _parser().parse_args()
    unknown = [kind for kind in arguments.kinds if kind not in _KINDS]
    if unknown:
        print(f"packaging/build: {unknown[0]} is none of {', '.join(_KINDS)}")
        return 2
    # What is nobody's business gets its mode by name; all else everybody may read.
    os.umask(0o022)
    try:
        for path in _build(arguments.kinds or _PACKAGES, arguments):
            print(path)
    except BuildError as error:
        print(f"packaging/build: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="packaging/build", description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=REPOSITORY / "dist",
        help="put packages into DIR (default: dist)",
    )
    parser.add_argument(
        "--release",
        type=int,
        default=1,
        metavar="N",
        help="count of this package among those of its version (default: 1)",
    )
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"{', '.join(_KINDS)} (deb and rpm)"
    )
    return parser


def _build(kinds: Sequence[str], arguments: argparse.Namespace) -> list[Path]:
    output = arguments.output.absolute()
    built = []
    published = [kind for kind in ("sdist", "wheel") if kind in kinds]
    if published:
        # With tools of its own, which deb and rpm do not need.
        words = [str(PACKAGING / "wheel"), "--output", str(output), *published]
        built += [Path(line) for line in output_of(words).splitlines()]
    packages = [kind for kind in _PACKAGES if kind in kinds]
    if packages:
        built += _build_packages(packages, output, arguments.release)
    return built


def _build_packages(kinds: Sequence[str], output: Path, release: int) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix="coresnap-packages-") as directory:
        wheel = build_wheel(Path(directory, "wheel"))
        epoch = source_epoch()
        trees = stage(wheel, Path(directory, "trees"), epoch)
        build = Build(version_of(wheel), release, epoch, output)
        return [
            make_package(kind, name, tree, build)
            for kind in kinds
            for name, tree in trees.items()
        ]


if __name__ == "__main__":
    sys.exit(main())
