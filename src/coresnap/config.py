"""coresnap.conf: an INI file with dotted keys, read into one frozen ``Config``.

``SETTINGS`` is the whole surface: name, kind, default and meaning of every key. The
documentation is checked against it. The file is looked for at ``SEARCH_PATH``; the
first one found is read, and a machine without one runs on the defaults.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from coresnap.errors import AccessError, ConfigError, MissingError

__all__ = ["SEARCH_PATH", "SETTINGS", "Config", "Setting", "load_config"]

SEARCH_PATH = (
    Path("/usr/local/etc/coresnap/coresnap.conf"),
    Path("/etc/coresnap/coresnap.conf"),
)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1,
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


@attrs.frozen
class Setting:
    """One key of coresnap.conf."""

    section: str
    name: str
    kind: str
    """What a value looks like; a key of the parsers below, or choices by ``|``."""
    default: str
    """As it would stand in the file."""
    meaning: str

    @property
    def attribute(self) -> str:
        """The field of ``Config`` that holds the value."""
        return self.name.replace(".", "_")


SETTINGS = (
    Setting(
        "archive",
        "root",
        "path",
        "/var/coresnap",
        "Directory of everything that is kept: the spool in archive/, the journal, "
        "the handler's settings and what install replaced.",
    ),
    Setting(
        "archive",
        "handler",
        "path",
        "/usr/local/libexec/coresnap-catch",
        "Where install puts the program that the kernel starts. Only root may be able "
        "to write there, or somewhere above it.",
    ),
    Setting(
        "archive",
        "dump.quota",
        "percentage",
        "10%",
        "Nothing is archived while less than this part of the filesystem is free.",
    ),
    Setting(
        "archive",
        "environ.allow",
        "names",
        "PATH, LANG, LANGUAGE, LC_*, TZ, SHELL, TERM, LD_LIBRARY_PATH, LD_PRELOAD, "
        "MALLOC_*",
        "Environment variables that are kept; a * at the end stands for any rest.",
    ),
    Setting(
        "archive",
        "fetch",
        "auto|pipe|memory",
        "auto",
        "How memory is fetched: through the kernel's pipe, from /proc/PID/mem (much "
        "faster on sparse processes), or whichever fits.",
    ),
    Setting(
        "archive",
        "drain",
        "boolean",
        "no",
        "Read the kernel's pipe to its end even after memory was fetched the fast way. "
        "No kernel is known to need it; the process waits as long.",
    ),
    Setting(
        "daemon",
        "user",
        "name",
        "coresnap",
        "User and group that own the archive and run daemon and worker.",
    ),
    Setting(
        "daemon",
        "socket",
        "path",
        "/run/coresnap/notify",
        "Datagram socket on which the handler tells the daemon of a new archive.",
    ),
    Setting(
        "daemon",
        "purge.disabled",
        "boolean",
        "false",
        "Keep everything for ever, cores included.",
    ),
    Setting(
        "daemon",
        "purge.core",
        "snapshot|never",
        "snapshot",
        "When a core may go: once its snapshot is safe on disk, or never. A core that "
        "failed a check is kept until its age.",
    ),
    Setting(
        "daemon",
        "purge.pending.age",
        "duration",
        "30d",
        "Age at which a core that could not be analysed is removed.",
    ),
    Setting(
        "daemon",
        "purge.sending.age",
        "duration",
        "90d",
        "Age at which a snapshot is removed, with what was kept beside it.",
    ),
    Setting(
        "daemon",
        "worker.memory",
        "size",
        "4GiB",
        "Memory that the analysis of one core may take, not counting the mapped core.",
    ),
    Setting(
        "daemon",
        "worker.cpu",
        "duration",
        "5m",
        "Processor time that the analysis of one core may take.",
    ),
    Setting(
        "daemon",
        "worker.time",
        "duration",
        "10m",
        "Time by the clock that the analysis of one core may take.",
    ),
    Setting(
        "daemon",
        "worker.attempts",
        "count",
        "2",
        "How often a core is tried whose worker died or ran into a limit.",
    ),
    Setting(
        "analysis",
        "sysroot",
        "optional path",
        "",
        "Directory put before every path that a core records.",
    ),
    Setting(
        "analysis",
        "debug.directories",
        "paths",
        "",
        "Directories with separate debug files, separated by colons, searched before "
        "the system's.",
    ),
)


@attrs.frozen
class Config:
    """The values of ``SETTINGS``, parsed. Durations are seconds, sizes are bytes."""

    root: Path
    handler: Path
    dump_quota: int
    """Percent of the filesystem, 0 to 100."""
    environ_allow: tuple[str, ...]
    fetch: str
    drain: bool
    user: str
    socket: Path
    purge_disabled: bool
    purge_core: str
    purge_pending_age: int
    purge_sending_age: int
    worker_memory: int
    worker_cpu: int
    worker_time: int
    worker_attempts: int
    sysroot: Path | None
    debug_directories: tuple[Path, ...]
    source: Path | None = None
    """The file that was read; None if all values are defaults."""

    @property
    def spool(self) -> Path:
        """Directory with ``pending``, ``assets`` and ``sending``."""
        return self.root / "archive"

    @property
    def journal(self) -> Path:
        """The journal's database; its directory belongs to the daemon."""
        return self.root / "journal" / "journal.sqlite"

    @property
    def handler_settings(self) -> Path:
        """The file that the kernel's handler reads; root's alone."""
        return self.root / "catch.conf"

    @property
    def previous_settings(self) -> Path:
        """What install found in the kernel and will put back; root's alone."""
        return self.root / "previous.json"


def load_config(path: Path | None = None) -> Config:
    """Read ``path``, else the first file of ``SEARCH_PATH``, else the defaults.

    Raises MissingError if ``path`` does not exist, AccessError if it may not be read
    and ConfigError, naming file, line, section and key, if it makes no sense.
    """
    source = path or next((p for p in SEARCH_PATH if p.exists()), None)
    if source is None:
        return _config({}, None, "")
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingError(f"no configuration file {source}") from error
    except PermissionError as error:
        raise AccessError(f"cannot read {source}: {error.strerror}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {source}: {error}") from error
    return _config(_parse(text, source), source, text)


def _parse(text: str, source: Path) -> dict[tuple[str, str], str]:
    parser = configparser.ConfigParser(
        delimiters=("=",), interpolation=None, default_section=""
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text, str(source))
    except configparser.Error as error:
        raise ConfigError(_one_line(error, source)) from error
    return {
        (section, name): value
        for section in parser.sections()
        for name, value in parser.items(section)
    }


def _one_line(error: configparser.Error, source: Path) -> str:
    line = getattr(error, "lineno", None)
    if isinstance(error, configparser.MissingSectionHeaderError):
        reason = "a key before the first [section]"
    elif isinstance(error, configparser.ParsingError):
        line, content = error.errors[0]
        reason = f"neither a section nor `key = value`: {content}"
    elif isinstance(error, configparser.DuplicateOptionError):
        reason = f"[{error.section}] {error.option} stands here a second time"
    elif isinstance(error, configparser.DuplicateSectionError):
        reason = f"[{error.section}] stands here a second time"
    else:
        reason = error.message.splitlines()[0]
    return f"{source}:{line}: {reason}" if line else f"{source}: {reason}"


def _config(
    given: dict[tuple[str, str], str], source: Path | None, text: str
) -> Config:
    values: dict[str, Any] = {"source": source}
    unknown = given.keys() - {(s.section, s.name) for s in SETTINGS}
    for section, name in sorted(unknown):
        raise ConfigError(
            f"{_place(source, text, section, name)} there is no such setting",
            remedy=_remedy_for_unknown(name),
        )
    for setting in SETTINGS:
        value = given.get((setting.section, setting.name), setting.default)
        try:
            values[setting.attribute] = _parser(setting.kind)(value.strip())
        except ValueError as error:
            where = _place(source, text, setting.section, setting.name)
            raise ConfigError(
                f"{where} {value!r} {error}", remedy=f"Default: {setting.default}"
            ) from error
    return Config(**values)


def _place(source: Path | None, text: str, section: str, name: str) -> str:
    line = _line_of(text, section, name)
    return f"{source}:{line}: [{section}] {name}:"


def _line_of(text: str, section: str, name: str) -> int:
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[(.*)\]", line):
            current = match[1]
        elif current == section and line.partition("=")[0].strip() == name:
            return number
    return 0


def _remedy_for_unknown(name: str) -> str:
    same = [s for s in SETTINGS if s.name == name]
    if same:
        return f"{name} belongs in section [{same[0].section}]."
    return "Settings: " + ", ".join(f"[{s.section}] {s.name}" for s in SETTINGS)


def _parser(kind: str) -> Callable[[str], Any]:
    if "|" in kind:
        return lambda text: _choice(text, kind.split("|"))
    return _PARSERS[kind]


def _choice(text: str, choices: list[str]) -> str:
    if text not in choices:
        raise ValueError(f"is not one of {', '.join(choices)}")
    return text


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("is not one of true, yes, false, no")
    return _BOOLEANS[text.lower()]


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise ValueError("is not a whole number above 0")
    return int(text)


def _duration(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if not match or int(match[1]) < 1:
        raise ValueError("is not a duration such as 90s, 5m, 12h or 30d")
    return int(match[1]) * _SECONDS[match[2]]


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text):
        raise ValueError("is not a user's name")
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\*?|\*", name):
            raise ValueError(f"has {name!r}, which is no name of a variable")
    return names


def _path(text: str) -> Path:
    # One line per value in the handler's settings: no control characters.
    if not text.startswith("/") or not text.isprintable():
        raise ValueError("is not an absolute path")
    return Path(os.path.normpath(text))


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(_path(part.strip()) for part in text.split(":") if part.strip())


def _percentage(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,3})%", text)
    if not match or int(match[1]) > 100:
        raise ValueError("is not a whole percentage from 0% to 100%")
    return int(match[1])


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]*)", text)
    if not match or match[2] not in _BYTES or int(match[1]) < 1:
        raise ValueError("is not a size such as 512MiB or 4GB")
    return int(match[1]) * _BYTES[match[2]]


_PARSERS: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "count": _count,
    "duration": _duration,
    "name": _name,
    "names": _names,
    "optional path": lambda text: _path(text) if text else None,
    "path": _path,
    "paths": _paths,
    "percentage": _percentage,
    "size": _size,
}
