"""Finds and reads coronerd.conf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coresnap.config.ini import Problem, Section, read_lines
from coresnap.config.kinds import parser_of
from coresnap.config.reading import place_of, read_text
from coresnap.config.server import ServerConfig
from coresnap.config.server_settings import SERVER_SECTIONS, SERVER_SETTINGS
from coresnap.config.settings import find
from coresnap.errors import ConfigError

__all__ = ["SERVER_SEARCH_PATH", "load_server_config"]

SERVER_SEARCH_PATH = (
    Path("/usr/local/etc/coroner/coronerd.conf"),
    Path("/etc/coroner/coronerd.conf"),
    Path("/etc/coresnap/coronerd.conf"),
)


def load_server_config(
    path: Path | None = None, given: Mapping[str, Any] | None = None
) -> ServerConfig:
    """Read ``path``, else the first file of ``SERVER_SEARCH_PATH``, else the defaults;
    what was ``given`` on the command line, field to value, stands above all of them.

    Raises MissingError if ``path`` does not exist, AccessError if it may not be read
    and ConfigError, naming file and line, if it makes no sense.
    """
    source = path or next((p for p in SERVER_SEARCH_PATH if p.exists()), None)
    values = {s.attribute: parser_of(s.kind)(s.default) for s in SERVER_SETTINGS}
    if source is not None:
        values |= _values(read_text(source), source)
    for field, value in (given or {}).items():
        values[field] = _plain(value)
    return ServerConfig(**values, source=source)


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any option
    if isinstance(value, list):
        return tuple(value)
    return value.absolute() if isinstance(value, Path) else value


def _values(text: str, source: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in read_lines(text):
        if isinstance(line, Problem):
            raise _wrong(line.line, line.message, source)
        if isinstance(line, Section):
            if line.name not in SERVER_SECTIONS or line.argument:
                message = f"there is no section [{line.name}]"
                raise _wrong(line.line, message, source)
            continue
        known = [s for s in SERVER_SETTINGS if s.section == line.section.name]
        setting = find(known, line.key)
        where = f"[{line.section.name}] {line.key}"
        if setting is None:
            raise _wrong(line.line, f"{where}: there is no such setting", source)
        if setting.attribute in found:
            raise _wrong(line.line, f"{where} stands here a second time", source)
        try:
            found[setting.attribute] = parser_of(setting.kind)(line.value)
        except ValueError as error:
            message = f"{where}: {line.value[:80]!r} {error}"
            raise _wrong(line.line, message, source) from error
    return found


def _wrong(line: int, message: str, source: Path) -> ConfigError:
    place = place_of(Problem(line, message), source)
    return ConfigError(
        f"{place}: {message}", remedy="See docs/http.md, `coronerd.conf`."
    )
