"""``packaging/wheel``: builds what is published, and prints the path of each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from builder.command import BuildError
from builder.epoch import source_epoch
from builder.places import REPOSITORY
from distribution.environment_sbom import write_sbom
from distribution.parts import UnknownPartError
from distribution.portable_wheel import build_portable_wheel
from distribution.sdist_file import build_sdist

__all__ = ["main"]


def main() -> int:
    """Build what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="packaging/wheel", description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=REPOSITORY / "dist",
        help="put results into DIR (default: dist)",
    )
    parser.add_argument(
        "kinds",
        nargs="*",
        metavar="KIND",
        help=f"{', '.join(KINDS)} (default: all of them)",
    )
    options = parser.parse_args()
    unknown = [kind for kind in options.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(KINDS)}")
    epoch = source_epoch()
    # setuptools writes it into its archives, and what it starts inherits it.
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    try:
        for kind in options.kinds or KINDS:
            print(KINDS[kind](options.output.absolute(), epoch), flush=True)
    except (BuildError, UnknownPartError) as error:
        print(f"packaging/wheel: {error}", file=sys.stderr)
        return 1
    return 0


KINDS: dict[str, Callable[[Path, int], Path]] = {
    "sdist": build_sdist,
    "wheel": build_portable_wheel,
    "sbom": write_sbom,
}

if __name__ == "__main__":
    sys.exit(main())
