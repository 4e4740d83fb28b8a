"""The option for rules of one's own, by which fingerprints are made."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.views.cli.symbol_options import readable_config

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset

__all__ = ["add_arguments", "rulesets"]


def add_arguments(parser: argparse.ArgumentParser, option: str) -> None:
    """Declare ``option``."""
    parser.add_argument(
        option,
        dest="rules",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="apply these rules to the fingerprint: a file, or a directory of *.conf "
        "(repeatable; default: fingerprint.rules of coresnap.conf)",
    )


def rulesets(arguments: argparse.Namespace) -> tuple[Ruleset, ...]:
    """The rules of the option, else those of coresnap.conf.

    Raises as ``load_rulesets`` and ``load_config`` do.
    """
    paths = arguments.rules
    if not paths:
        config = readable_config(arguments.config)
        paths = config.fingerprint_rules if config is not None else ()
    if not paths:
        return ()
    from coresnap.config.rulesets import load_rulesets

    return load_rulesets(paths)
