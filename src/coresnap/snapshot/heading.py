"""The first lines about a crash: which program, what happened, how readable it is."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from coresnap.model import QualityPart, Snapshot
from coresnap.snapshot.capture_facts import capture_facts
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable

__all__ = ["heading_facts", "heading_lines", "headline"]

_REMEDIES = 2
_LEAST_LOSS = 1
"""Points that a part must have lost for its remedy to be worth a line."""
_CONTAINER_WORDS = {
    "pod": "pod",
    "hostname": "host",
    "pid": "pid",
    "user.id": "user",
    "namespaces": "own",
}
"""Attribute below ``container.`` to what it is called in a line."""


def headline(snapshot: Snapshot) -> str:
    """Return one line: which program, why, where, when."""
    panic = snapshot.attributes.get("kernel.panic")
    if panic is not None:
        return f"kernel panic: {printable(str(panic))}" + _when(snapshot)
    name = snapshot.attributes.get("application") or snapshot.command or "?"
    text = printable(str(name))
    if snapshot.pid is not None:
        text += f" (pid {snapshot.pid})"
    signal = snapshot.signal
    if signal is None and snapshot.attributes.get("capture.rung") == "record":
        text += " crashed"
    elif signal is None:
        text += " was alive when this core was taken"
    else:
        text += f" crashed by {printable(signal.name)}"
        if signal.code_name:
            text += f" ({printable(signal.code_name)})"
        if signal.address is not None:
            text += f" at address {signal.address:#x}"
    return text + _when(snapshot)


def _when(snapshot: Snapshot) -> str:
    stamp = snapshot.attributes.get("timestamp")
    if not isinstance(stamp, int | float):
        return ""
    try:
        time = datetime.datetime.fromtimestamp(stamp, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return f" on {time:%Y-%m-%d %H:%M:%S} UTC"


def heading_lines(snapshot: Snapshot, display: Display) -> Iterator[str]:
    """Yield the headline and what stands below it."""
    yield display.ink.alarm(headline(snapshot))
    yield from _what_happened(snapshot, display)
    if snapshot.truncated:
        yield display.ink.alarm("  the core is truncated: parts of this are missing")
    yield from (f"  {name:<13}{words}" for name, words in heading_facts(snapshot))
    yield from _remedies(snapshot, display)


def heading_facts(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield names and words of what frames the fault: command, system, …, quality."""
    if snapshot.arguments:
        yield "command", printable(snapshot.arguments)
    yield "system", _system(snapshot)
    yield from _container(snapshot)
    yield from capture_facts(snapshot)
    if snapshot.fingerprint:
        yield "fingerprint", printable(snapshot.fingerprint[:16])
    reason = printable(snapshot.quality_reason)
    yield "quality", f"{snapshot.quality}/100" + (reason and f" ({reason})")


def _what_happened(snapshot: Snapshot, display: Display) -> Iterator[str]:
    if snapshot.summary:
        yield from _wrapped(snapshot.summary, display, "  ")
    elif snapshot.signal and snapshot.signal.description:
        yield f"  {printable(snapshot.signal.description)}"
    signal = snapshot.signal
    if signal is not None and signal.sender_pid not in (None, snapshot.pid):
        of = "" if signal.sender_uid is None else f" of user {signal.sender_uid}"
        yield f"  sent by process {signal.sender_pid}{of}"


def _wrapped(text: str, display: Display, indent: str) -> Iterator[str]:
    """Yield lines of whole words. The textwrap module does it, for 1 ms to load."""
    line = ""
    for word in printable(text).split():
        if line and len(indent) + len(line) + 1 + len(word) > display.width:
            yield indent + line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield indent + line


def _remedies(snapshot: Snapshot, display: Display) -> Iterator[str]:
    """What would raise the score most, once each."""
    parts = sorted(snapshot.quality_parts, key=_loss, reverse=True)
    worth = [p.remedy for p in parts if p.remedy and _loss(p) >= _LEAST_LOSS]
    for remedy in list(dict.fromkeys(worth))[:_REMEDIES]:
        yield from map(display.ink.doubt, _wrapped(remedy, display, " " * 15))


def _loss(part: QualityPart) -> float:
    return part.weight * (1 - part.value)


def _system(snapshot: Snapshot) -> str:
    known = snapshot.attributes
    names = ("uname.release", "hostname")
    extra = [str(known[name]) for name in names if known.get(name)]
    return printable(" ".join([snapshot.system, snapshot.architecture, *extra]))


def _container(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    prefix = "container."
    known = {
        name.removeprefix(prefix): str(value)
        for name, value in snapshot.attributes.items()
        if name.startswith(prefix)
    }
    parts = [known[name] for name in ("runtime", "id", "image") if known.get(name)]
    words = [" ".join(parts)] if parts else []
    words += [
        f"{label} {known[name]}"
        for name, label in _CONTAINER_WORDS.items()
        if known.get(name)
    ]
    if words:
        yield "container", printable("; ".join(words))
