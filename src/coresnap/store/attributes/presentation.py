"""Values of attributes, written for people."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value

__all__ = ["present", "present_short"]

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_HOUR, _DAY = 3600, 86400
_SHORT = {"uuid": 8, "sha256": 12, "commit": 12}
"""Format to the characters that tell values apart in a list."""


def present(value: Value, attribute: Attribute) -> str:
    """Return ``value`` as its format wants it, safe to print.

    A value that its format cannot show, as text in an attribute of bytes, is written
    as it is.
    """
    if isinstance(value, str):
        return _text(value, attribute)
    show = _NUMBERS.get(attribute.format, _plain)
    return show(value)


def present_short(value: Value, attribute: Attribute) -> str:
    """Return the same for a list, where long ids are cut to what tells them apart."""
    if isinstance(value, str) and attribute.format in _SHORT:
        return printable(value[: _SHORT[attribute.format]])
    return present(value, attribute)


def _text(value: str, attribute: Attribute) -> str:
    if attribute.format == "callstack":
        return " ← ".join(printable(line) for line in value.split("\n"))
    if attribute.kind is Kind.LABELS:
        return " ".join(printable(word) for word in value.split())
    return printable(value)


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def _address(value: float) -> str:
    # The index has 64 bits with a sign; addresses have none.
    return f"{int(value) & (1 << 64) - 1:#x}"


def _size(value: float) -> str:
    amount, unit = float(value), 0
    while abs(amount) >= 999.95 and unit < len(_UNITS) - 1:
        amount /= 1000
        unit += 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{value:.0f} B"


def _span(seconds: float) -> str:
    if seconds < 0:
        return f"-{_span(-seconds)}"
    if seconds < _HOUR:
        return duration(seconds) if seconds else "0 s"
    if seconds < _DAY:
        hours, rest = divmod(int(seconds), _HOUR)
        return f"{hours}h{rest // 60:02}m"
    days, rest = divmod(int(seconds), _DAY)
    return f"{days}d{rest // _HOUR:02}h"


def _moment(value: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(int(value), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return _plain(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _boolean(value: float) -> str:
    return {0: "no", 1: "yes"}.get(int(value), _plain(value))


_NUMBERS: dict[str, Callable[[float], str]] = {
    "address": _address,
    "boolean": _boolean,
    "bytes": _size,
    "kilobytes": lambda value: _size(value * 1024),
    "seconds": _span,
    "milliseconds": lambda value: _span(value / 1e3),
    "nanoseconds": lambda value: _span(value / 1e9),
    "percentage": lambda value: f"{_plain(value)} %",
    "timestamp": _moment,
}
