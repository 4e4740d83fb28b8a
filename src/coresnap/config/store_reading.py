"""Finds and reads coroner.cf."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from coresnap.config.ini import Problem, Section, Statement, read_lines
from coresnap.config.kinds import PARSERS, parser_of
from coresnap.config.places import STORE_SEARCH_PATH
from coresnap.config.reading import place_of, read_text
from coresnap.config.settings import find
from coresnap.config.store_config import StoreConfig, Watched
from coresnap.config.store_settings import STORE_SECTIONS, STORE_SETTINGS
from coresnap.errors import ConfigError, MissingError

__all__ = ["find_store_config", "load_store_config", "store_search_path"]

_TOKEN = re.compile(r"[0-9a-f]{64}")
_REMEDY = "See docs/configuration.md, `coroner.cf`."


def store_search_path() -> tuple[Path, ...]:
    """Return where coroner.cf is looked for; the first that is there counts."""
    home = os.path.expanduser("~")
    own = (Path(home, ".coroner.cf"),) if os.path.isabs(home) else ()
    return (*own, *STORE_SEARCH_PATH)


def find_store_config() -> Path | None:
    """Return the first file of the search path that exists."""
    # Path.exists raises where we may not look: a service's HOME can be root's.
    return next((p for p in store_search_path() if os.path.exists(p)), None)


def load_store_config(path: Path | None = None) -> StoreConfig:
    """Read ``path``, else the first file of the search path.

    Raises MissingError if there is none, or one that says nothing, AccessError if it
    may not be read, and ConfigError, naming file and line, if it makes no sense.
    """
    source = path or find_store_config()
    if source is None:
        places = ", ".join(map(str, store_search_path()))
        raise MissingError(
            f"no object store is named: there is none of {places}",
            remedy="Write [universe] and [token] into one of them, as docs/coroner.md"
            " shows, or give a file with -c.",
        )
    return _Reading(source).read(read_text(source))


@attrs.define
class _Reading:
    source: Path
    universe: dict[str, object] = attrs.field(factory=dict)
    lines: dict[str, int] = attrs.field(factory=dict)
    tokens: dict[str, str] = attrs.field(factory=dict)
    watched: dict[str, dict[str, str]] = attrs.field(factory=dict)
    defaults: dict[str, dict[str, str]] = attrs.field(factory=dict)

    def read(self, text: str) -> StoreConfig:
        for line in read_lines(text):
            if isinstance(line, Problem):
                raise self._wrong(line.line, line.message)
            if isinstance(line, Section):
                if line.name not in STORE_SECTIONS or line.argument:
                    raise self._wrong(line.line, f"there is no section [{line.name}]")
            else:
                self._take(line)
        return self._config()

    def _take(self, line: Statement) -> None:
        take = {
            "universe": self._take_setting,
            "token": self._take_token,
            "daemon": self._take_watched,
            "default": self._take_default,
        }[line.section.name]
        try:
            take(line.key, line.value)
        except ValueError as error:
            where = f"[{line.section.name}] {line.key}"
            raise self._wrong(line.line, f"{where}: {error}") from None
        if line.section.name == "universe":
            self.lines[line.key] = line.line

    def _take_setting(self, key: str, value: str) -> None:
        setting = find(STORE_SETTINGS, key)
        if setting is None:
            raise ValueError("there is no such setting")
        if key in self.universe:
            raise ValueError("it stands here a second time")
        try:
            self.universe[key] = parser_of(setting.kind)(value)
        except ValueError as error:
            raise ValueError(f"{value[:80]!r} {error}") from None

    def _take_token(self, name: str, value: str) -> None:
        # Not shown: it may be a token with a letter too many.
        if not _TOKEN.fullmatch(value.lower()):
            raise ValueError("a token is 64 hexadecimal digits")
        self.tokens[name] = value.lower()

    def _take_watched(self, key: str, value: str) -> None:
        project, _, field = key.rpartition(".")
        if not project or field not in ("root", "token"):
            raise ValueError("keys are PROJECT.root and PROJECT.token")
        self.watched.setdefault(PARSERS["project"](project), {})[field] = value

    def _take_default(self, key: str, value: str) -> None:
        command, _, option = key.partition(".")
        if not option:
            raise ValueError("keys are COMMAND.OPTION")
        self.defaults.setdefault(command, {})[option] = value

    def _config(self) -> StoreConfig:
        values = {s.name: parser_of(s.kind)(s.default) for s in STORE_SETTINGS}
        values.update(self.universe)
        write = _url(values["write"], is_tls=True)
        read = _url(values["read"], is_tls=bool(values["read.ssl.enabled"]))
        if not (write or read):
            said = self.universe or self.tokens or self.watched or self.defaults
            raise (ConfigError if said else MissingError)(
                f"{self.source} names no store: [universe] has neither write nor read",
                remedy=_REMEDY,
            )
        return StoreConfig(
            universe=values["name"],
            write=write or read,
            read=read or write,
            verify=values["curl.ssl_verifypeer"] and values["curl.ssl_verifyhost"],
            authority=values["ssl.ca"],
            certificate=values["ssl.certificate"],
            key=values["ssl.key"],
            tokens=self.tokens,
            watched=tuple(self._watched()),
            defaults=self.defaults,
            source=self.source,
            lines=self.lines,
            is_exposed=bool(self.tokens) and bool(self.source.stat().st_mode & 0o007),
        )

    def _watched(self) -> Iterator[Watched]:
        for project, fields in self.watched.items():
            if "root" not in fields:
                raise ConfigError(
                    f"{self.source}: [daemon] {project}.root is missing", remedy=_REMEDY
                )
            token = fields.get("token", project)
            yield Watched(project, Path(fields["root"]), token)

    def _wrong(self, line: int, message: str) -> ConfigError:
        place = place_of(Problem(line, message), self.source)
        return ConfigError(f"{place}: {message}", remedy=_REMEDY)


def _url(address: str, *, is_tls: bool) -> str:
    if not address or "://" in address:
        return address
    return f"{'https' if is_tls else 'http'}://{address}"
