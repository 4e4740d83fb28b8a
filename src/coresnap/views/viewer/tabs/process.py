"""What the process was: attributes, files, limits, environment, the system."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coresnap.model.attributes import ATTRIBUTES
from coresnap.snapshot.escape import printable
from coresnap.views.fault.fault import Fault
from coresnap.views.quantity import decimal_size
from coresnap.views.viewer.line import Line, line
from coresnap.views.viewer.looked import Looked

__all__ = ["attributes", "environment", "files", "limits", "system"]

_SYSTEM = ("system.", "uname.", "vm.", "sched.", "container.", "kernel.", "process.")


def attributes(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return all attributes."""
    return _attributes(fault, lambda name: True)


def system(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return what is known of the machine, its memory, and the process's share."""
    facts = [_pair(name, words) for name, words in fault.facts]
    return facts + _attributes(fault, lambda name: name.startswith(_SYSTEM))


def _attributes(fault: Fault, is_wanted: Callable[[str], bool]) -> list[Line]:
    known = sorted(fault.snapshot.attributes.items())
    lines = [_pair(name, _value(name, one)) for name, one in known if is_wanted(name)]
    return lines or [line(("no attributes", "doubt"))]


def _value(name: str, value: int | float | str) -> str:
    kind = ATTRIBUTES.get(name)
    form = "" if kind is None else kind.format
    if form == "bytes" and isinstance(value, int):
        return f"{value:,} ({decimal_size(value)})"
    if form == "address" and isinstance(value, int):
        return f"{value:#x}"
    return printable(str(value))


def _pair(name: str, words: str) -> Line:
    return line((f"{printable(name):<28} ", "name"), words)


def files(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the working directory, files and sockets that were open."""
    process = fault.process
    lines = []
    if process.directory is not None:
        lines.append(_pair("directory", printable(process.directory)))
    if process.umask is not None:
        lines.append(_pair("umask", printable(process.umask)))
    lines += [
        line((f"{one.number:>6} ", "name"), printable(one.target))
        for one in process.descriptors
    ]
    return lines or [line(("no files were kept", "doubt"))]


def limits(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the limits, soft and hard."""
    return list(_limits(fault)) or [line(("no limits were kept", "doubt"))]


def _limits(fault: Fault) -> Iterator[Line]:
    for one in fault.process.limits:
        soft, hard = (
            "unlimited" if bound is None else f"{bound:,}"
            for bound in (one.soft, one.hard)
        )
        yield _pair(one.name, f"{soft:>22} {hard:>22} {printable(one.unit)}")


def environment(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the environment, as far as it was kept."""
    lines = []
    for one in fault.process.environment:
        name, sign, value = one.partition("=")
        lines.append(line((printable(name), "name"), sign, printable(value)))
    return lines or [line(("no environment was kept", "doubt"))]
