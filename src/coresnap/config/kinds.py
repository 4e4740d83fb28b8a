"""What values of each kind look like, and how they are parsed.

As in ``quantities``: a parser takes a stripped value, and raises ValueError with the
rest of a sentence that begins with the value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coresnap.config import quantities
from coresnap.config.scrub_expressions import parse_scrubbers

__all__ = ["PARSERS", "parser_of"]

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_SOCKET_PATH_LIMIT = 108  # with its NUL: sun_path of unix(7)


def parser_of(kind: str) -> Callable[[str], Any]:
    """Return the parser of a setting's ``kind``."""
    if "|" in kind:
        return lambda text: _choice(text, kind.split("|"))
    return PARSERS[kind]


def _choice(text: str, choices: list[str]) -> str:
    if text not in choices:
        raise ValueError(f"is not one of {', '.join(choices)}")
    return text


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("is not one of true, yes, false, no")
    return _BOOLEANS[text.lower()]


def _flag(text: str) -> bool:
    # libcurl's own option has 2 for "verify".
    if text not in ("0", "1", "2"):
        return _boolean(text)
    return text != "0"


def _store_address(text: str) -> str:
    if not text:
        return ""
    address = text.rstrip("/")
    if not re.fullmatch(r"(?:https?://)?[A-Za-z0-9._\[\]:-]+", address):
        raise ValueError("is neither http://HOST:PORT, https://HOST:PORT nor HOST:PORT")
    return address


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


def _project(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", text):
        raise ValueError("is not a project: letters, digits, and _ . - between them")
    return text


def _path(text: str) -> Path:
    # One line per value in the handler's settings: no control characters.
    if not text.startswith("/") or not text.isprintable():
        raise ValueError("is not an absolute path")
    return Path(os.path.normpath(text))


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(_path(part.strip()) for part in text.split(":") if part.strip())


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(text.split())
    for url in urls:
        if not re.fullmatch(r"https?://[^/\s]+\S*", url) or not url.isprintable():
            raise ValueError(f"has {url!r}, which does not begin with http(s)://HOST")
    return urls


def _socket(text: str) -> Path:
    path = _path(text)
    if len(os.fsencode(path)) >= _SOCKET_PATH_LIMIT:
        raise ValueError(f"is too long for a socket: {_SOCKET_PATH_LIMIT - 1} bytes")
    return path


def _address(text: str) -> tuple[str, int]:
    import ipaddress  # see _networks

    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError
        if (address.version == 6) != host.startswith("["):
            raise ValueError
    except ValueError as error:
        raise ValueError(
            "is no address with a port, like 127.0.0.1:9838 or [::1]:9838"
        ) from error
    return str(address), int(port)


def _networks(text: str) -> tuple[Any, ...]:
    import ipaddress  # of the server alone; the handler starts without it

    networks = []
    for word in text.split():
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError as error:
            raise ValueError(
                f"has {word!r}, which is no network like 10.1.0.0/16 or fd00:1::/64"
            ) from error
    return tuple(networks)


def _optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: parse(text) if text else None


PARSERS: dict[str, Callable[[str], Any]] = {
    "age": quantities.parse_age,
    "boolean": _boolean,
    "count": quantities.parse_count,
    "duration": quantities.parse_duration,
    "name": _name,
    "names": _names,
    "networks": _networks,
    "number": quantities.parse_number,
    "optional address": _optional(_address),
    "optional age": _optional(quantities.parse_age),
    "flag": _flag,
    "optional path": _optional(_path),
    "path": _path,
    "paths": _paths,
    "percentage": quantities.parse_percentage,
    "project": _project,
    "rate": quantities.parse_rate,
    "scrubbers": parse_scrubbers,
    "size": quantities.parse_size,
    "size or none": quantities.parse_size_or_none,
    "size, percentage or none": quantities.parse_storage_limit,
    "socket": _socket,
    "store address": _store_address,
    "text": str,
    "time limit": quantities.parse_time_limit,
    "urls": _urls,
    "words": lambda text: tuple(text.split()),
}
"""Every kind but those of numbered settings, which are parsed with their number."""
