"""The options that say where executables, libraries and debug information are found."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings
    from coresnap.analysis.fetching import Fetcher
    from coresnap.config import Config

__all__ = ["SymbolSources", "add_arguments", "readable_config", "sources"]


class SymbolSources:
    """What the options and the section ``[symbols]`` say together."""

    def __init__(
        self,
        sysroot: Path | None,
        debug_directories: tuple[Path, ...],
        symbol_directories: tuple[Path, ...],
        debuginfod: DebuginfodSettings | None,
    ) -> None:
        self.sysroot = sysroot
        self.debug_directories = debug_directories
        self.symbol_directories = symbol_directories
        self.debuginfod = debuginfod
        """None if no server is to be asked."""

    def fetcher(self) -> Fetcher | None:
        """Who asks the servers."""
        if self.debuginfod is None:
            return None
        from coresnap.analysis.debuginfo.debuginfod import Debuginfod

        return Debuginfod(self.debuginfod)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--sysroot",
        metavar="DIR",
        type=Path,
        help="put DIR before every path that the core records",
    )
    parser.add_argument(
        "--debug-dir",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="look in DIR for separate debug files first (repeatable)",
    )
    parser.add_argument(
        "--symbols",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="find executables, libraries and debug files below DIR by build-id "
        "(repeatable)",
    )
    parser.add_argument(
        "--debuginfod",
        metavar="URL",
        action="append",
        default=[],
        help="fetch from this server what is found nowhere else (repeatable; "
        "default: debuginfod.urls, else $DEBUGINFOD_URLS)",
    )
    parser.add_argument(
        "--no-debuginfod", action="store_true", help="ask no debuginfod server"
    )


def sources(arguments: argparse.Namespace) -> SymbolSources:
    """Join the options with what coresnap.conf says.

    Raises ``UsageError`` for a URL that is none, and as ``load_config`` does.
    """
    config = readable_config(arguments.config)
    directories = config.symbol_directories if config is not None else ()
    return SymbolSources(
        arguments.sysroot,
        tuple(arguments.debug_dir),
        (*arguments.symbols, *directories),
        None if arguments.no_debuginfod else _servers(arguments.debuginfod, config),
    )


def readable_config(path: Path | None) -> Config | None:
    """The settings; None where there is no file, or not for us to read."""
    from coresnap.config.places import find_source

    if path is None and find_source() is None:
        return None
    from coresnap.config import load_config
    from coresnap.errors import AccessError

    try:
        return load_config(path)
    except AccessError:
        if path is not None:
            raise
        return None


def _servers(urls: list[str], config: Config | None) -> DebuginfodSettings | None:
    import os

    configured = config.debuginfod_urls if config is not None else ()
    if not (urls or configured or os.environ.get("DEBUGINFOD_URLS")):
        return None
    from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings

    if urls or config is None or not configured:
        found = DebuginfodSettings.from_environment(urls or None)
        return found if found.urls else None
    found = DebuginfodSettings.from_environment(configured)
    return DebuginfodSettings(
        found.urls,
        config.debuginfod_cache or found.cache,
        config.debuginfod_timeout,
        config.debuginfod_time,
        config.debuginfod_size,
    )
