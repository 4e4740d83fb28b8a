"""What an attribute is that nobody described, guessed by its name and first value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value

__all__ = ["fits", "guess", "kind_of"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# https://semver.org, 2.0.0; a leading v is what git tags have.
_SEMVER = re.compile(
    r"v?\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)
_URL = re.compile(r"https?://[^\s/]+(?:/\S*)?")
_PROTECTED = re.compile(
    r"(?:^|[._-])(?:argv|arguments|cmdline|command[._-]?line|env|environ|environment)"
    r"(?:$|[._-])"
)
_OF_BYTES = re.compile(r"(?:^|[._-])(?:bytes|size)$")
_OF_TIME = re.compile(r"(?:^|[._-])(?:time|timestamp|date|at)$")
_OF_HOST = re.compile(r"(?:^|[._-])(?:host|hostname)$")
# 1990 to 2100, in seconds: a counter seldom has ten digits and such a name.
_MOMENTS = range(631152000, 4102444800)
_BITS = range(-(1 << 63), 1 << 63)


def kind_of(value: Value) -> Kind:
    """Return the narrowest kind that holds ``value`` as it is."""
    if isinstance(value, int) and value in _BITS:
        return Kind.INTEGER
    return Kind.NUMBER if isinstance(value, float) else Kind.TEXT


def guess(name: str, value: Value) -> Attribute:
    """Return what an attribute with this name and value probably is."""
    kind = kind_of(value)
    format = (
        _of_text(name, value) if isinstance(value, str) else _of_number(name, value)
    )
    if kind is Kind.TEXT and not isinstance(value, str):
        format = "none"  # a number with more than 64 bits
    unit = {"bytes": "bytes", "timestamp": "seconds"}.get(format, "")
    protected = _PROTECTED.search(name.lower()) is not None
    return Attribute(name, kind, format, unit, is_protected=protected)


def fits(format: str, value: Value) -> bool:
    """Whether ``value`` could have made somebody guess ``format``."""
    if isinstance(value, str) and format in _TESTS:
        return _TESTS[format](value)
    if isinstance(value, int) and format == "timestamp":
        return value in _MOMENTS
    return True


def _of_text(name: str, value: str) -> str:
    for format, test in _TESTS.items():
        if test(value):
            return format
    return "hostname" if _OF_HOST.search(name.lower()) else "none"


def _of_number(name: str, value: float) -> str:
    if _OF_BYTES.search(name.lower()):
        return "bytes"
    if _OF_TIME.search(name.lower()) and int(value) in _MOMENTS:
        return "timestamp"
    return "none"


def _is_address_of_ip(value: str) -> bool:
    if len(value) > 45 or not ("." in value or ":" in value):
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


_TESTS: dict[str, Callable[[str], bool]] = {
    "uuid": _matches(_UUID),
    "sha256": _matches(_SHA256),
    "commit": _matches(_COMMIT),
    "ip": _is_address_of_ip,
    "semver": _matches(_SEMVER),
    "url": _matches(_URL),
}
