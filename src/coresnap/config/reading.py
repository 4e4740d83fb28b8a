"""Finds and reads coresnap.conf. The first file of ``SEARCH_PATH`` that exists counts;
a machine without one runs on the defaults."""

from __future__ import annotations

from pathlib import Path

from coresnap.config.config import Config
from coresnap.config.ini import Problem
from coresnap.config.interpret import Reading, interpret
from coresnap.config.places import find_source
from coresnap.errors import AccessError, ConfigError, MissingError

__all__ = [
    "load_config",
    "place_of",
    "read_settings",
    "read_text",
    "usable",
]

SIZE_LIMIT = 1 << 20
"""Bytes that a file of settings may have; beyond that it is some other file."""


def load_config(path: Path | None = None) -> Config:
    """Read ``path``, else the first file of ``SEARCH_PATH``, else the defaults.

    Raises MissingError if ``path`` does not exist, AccessError if it may not be read
    and ConfigError, naming file, line, section and key, if it makes no sense.
    """
    return usable(read_settings(path))


def usable(reading: Reading) -> Config:
    """Return what a reading without errors says; else raise ConfigError."""
    errors = reading.errors
    if errors:
        place = place_of(errors[0], reading.config.source)
        message = f"{place}: {errors[0].message}"
        if len(errors) > 1:
            message += f" (and {len(errors) - 1} more: `coresnap config check`)"
        raise ConfigError(message, remedy=errors[0].remedy)
    return reading.config


def read_settings(path: Path | None = None) -> Reading:
    """Read as ``load_config`` does, and say all that is wrong.

    Raises MissingError, AccessError, and ConfigError for a file that is no text.
    """
    source = path or find_source()
    if source is None:
        return interpret("")
    return interpret(read_text(source), source)


def read_text(source: Path) -> str:
    """Return what stands in ``source``.

    Raises MissingError, AccessError or ConfigError.
    """
    try:
        with source.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError as error:
        raise MissingError(f"no configuration file {source}") from error
    except PermissionError as error:
        raise AccessError(f"cannot read {source}: {error.strerror}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise ConfigError(f"{source} is larger than {SIZE_LIMIT} bytes")
    try:
        # Some editors begin a file with the byte order mark.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{source}:{line}: byte {data[error.start]:#04x} is no UTF-8"
        raise ConfigError(message, remedy="Save the file as UTF-8.") from error


def place_of(problem: Problem, source: Path | None) -> str:
    """Return where a problem is: ``FILE:LINE``, or ``FILE``."""
    return f"{source}:{problem.line}" if problem.line else f"{source}"
