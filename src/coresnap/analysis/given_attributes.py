"""Attributes that others give a crash: lines of ``key=value``, believed with care.

They come from a program of the administrator and from the crashed process itself, which
may be anybody's. So their number and size are bounded, names are checked, and none of
them can stand for an attribute of ours or hide who gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from coresnap.model import Note, Snapshot
from coresnap.model.attributes import ATTRIBUTES

__all__ = ["Given", "from_environment", "with_given"]

COUNT_LIMIT = 64
"""Attributes of one source."""
VALUE_LIMIT = 1024
"""Characters of a value."""
TEXT_LIMIT = 64 * 1024
"""Bytes of one source that are looked at."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_OURS = "coresnap."
_PROBLEMS_NAMED = 3


class Given(msgspec.Struct, frozen=True):
    """Text with attributes, and who gave it."""

    source: str
    """``command`` or ``process``: becomes a part of an attribute's name."""
    label: str
    """For people: the command's path, or the variable's name."""
    text: bytes


def from_environment(environment: bytes, wanted: Iterable[str]) -> Iterator[Given]:
    """Yield the variables that hold attributes.

    ``environment`` is as in ``/proc/PID/environ``; ``wanted`` are names, with ``*`` at
    the end for any rest.
    """
    patterns = tuple(wanted)
    for variable in environment.split(b"\0"):
        raw, equals, text = variable.partition(b"=")
        name = raw.decode("utf-8", "replace")
        if equals and any(_fits(name, pattern) for pattern in patterns):
            yield Given("process", name, text)


def _fits(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def with_given(
    snapshot: Snapshot, sources: Iterable[Given], project: str | None
) -> Snapshot:
    """Return the snapshot with what the sources give and the project it belongs to.

    The first source that gives an attribute counts. What is left out becomes a note.
    """
    attributes = dict(snapshot.attributes)
    if project is not None:
        attributes["coresnap.project"] = project
    notes = list(snapshot.notes)
    names: dict[str, list[str]] = {}
    for given in sources:
        so_far = names.setdefault(given.source, [])
        problems = []
        for found in _pairs(given.text):
            problem = (
                found if isinstance(found, str) else _refusal(found, attributes, so_far)
            )
            if problem:
                problems.append(problem)
            elif not isinstance(found, str):
                attributes[found[0]] = found[1]
                so_far.append(found[0])
        if problems:
            notes.append(Note("attributes", _complaint(given.label, problems)))
    for source, found_names in names.items():
        if found_names:
            attributes[f"coresnap.given.{source}"] = " ".join(found_names)
    ordered = dict(sorted(attributes.items()))
    return msgspec.structs.replace(snapshot, attributes=ordered, notes=tuple(notes))


def _pairs(text: bytes) -> Iterator[tuple[str, str] | str]:
    """Yield name and value of each line, or what is wrong with it."""
    if len(text) > TEXT_LIMIT:
        yield f"what is behind {TEXT_LIMIT} bytes"
    lines = text[:TEXT_LIMIT].decode("utf-8", "replace").split("\n")
    for line in (line.strip() for line in lines):
        name, equals, value = line.partition("=")
        if not line or line.startswith("#"):
            continue
        if not equals:
            yield f"{_clip(line)!r}, which is no key=value"
        else:
            yield name.strip(), value.strip()


def _refusal(
    pair: tuple[str, str], attributes: dict[str, int | float | str], so_far: list[str]
) -> str:
    """Return why an attribute is left out; empty if it is not."""
    name, value = pair
    if not _NAME.fullmatch(name):
        return f"{_clip(name)!r}, which is no name"
    if name in ATTRIBUTES or name.startswith(_OURS):
        return f"{name}, which is an attribute of ours"
    if name in attributes:
        return f"{name}, which is given already"
    if len(so_far) >= COUNT_LIMIT:
        return f"{name}, which is one more than {COUNT_LIMIT}"
    if len(value) > VALUE_LIMIT or not value.isprintable():
        return f"{name}, whose value is too long or not printable"
    return ""


def _complaint(label: str, problems: list[str]) -> str:
    text = "; ".join(problems[:_PROBLEMS_NAMED])
    if (more := len(problems) - _PROBLEMS_NAMED) > 0:
        text += f"; and {more} more"
    return f"{label}: left out: {text}"


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
