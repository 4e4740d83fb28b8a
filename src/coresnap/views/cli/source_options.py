"""The options that say where the sources of the program are."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--source-path",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="look for sources below DIR first (repeatable)",
    )
    parser.add_argument(
        "--substitute-path",
        metavar="FROM=TO",
        type=_substitution,
        action="append",
        default=[],
        help="take TO for FROM where a source's path begins with it (repeatable)",
    )


def _substitution(text: str) -> tuple[str, str]:
    start, separator, replacement = text.partition("=")
    if not (start and separator and replacement):
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM=TO")
    return start, replacement
