"""What a snapshot's assets say of the process, taken apart: descriptors, limits, …

The assets are files of ``/proc`` as Linux writes them (proc(5)), or what stands for
them where the core says it. All of it is the process's own or was cut: what makes no
sense is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

__all__ = ["Descriptor", "LimitLine", "ProcessContext", "process_context"]

_NAME_WIDTH = 26
"""Characters of a limit's name in ``/proc/PID/limits`` (Linux ``fs/proc/base.c``)."""
_MOST_DIGITS = 20


class Descriptor(msgspec.Struct, frozen=True):
    """An open descriptor."""

    number: int
    target: str
    """Path, or what it is: ``pipe:[]``, ``socket:[tcp *:80 *:0]``, …"""


class LimitLine(msgspec.Struct, frozen=True):
    """A limit; None is unlimited."""

    name: str
    """``open files``, ``stack size``, …"""
    soft: int | None
    hard: int | None
    unit: str
    """Empty where it has none."""


class ProcessContext(msgspec.Struct, frozen=True):
    """None or empty where nothing was kept."""

    directory: str | None = None
    """The working directory."""
    umask: str | None = None
    """Octal."""
    descriptors: tuple[Descriptor, ...] = ()
    limits: tuple[LimitLine, ...] = ()
    environment: tuple[str, ...] = ()
    """``NAME=value`` each."""


def process_context(assets: Mapping[str, bytes]) -> ProcessContext:
    """Take the assets apart, by member name; bytes that are no UTF-8 are escaped."""
    texts = {
        name: assets.get(f"process/{name}", b"").decode("utf-8", "surrogateescape")
        for name in ("cwd", "status", "fd", "limits", "environ")
    }
    umask = re.search(r"^Umask:\s*([0-7]{1,6})$", texts["status"], re.MULTILINE)
    return ProcessContext(
        directory=texts["cwd"] or None,
        umask=umask[1] if umask else None,
        descriptors=tuple(_descriptors(texts["fd"])),
        limits=tuple(_limits(texts["limits"])),
        environment=tuple(v for v in texts["environ"].split("\0") if v),
    )


def _descriptors(text: str) -> Iterator[Descriptor]:
    for entry in text.split("\0"):
        number, _, target = entry.partition(" ")
        if _is_number(number):
            yield Descriptor(int(number), target)


def _limits(text: str) -> Iterator[LimitLine]:
    for line in text.splitlines()[1:]:
        name = line[:_NAME_WIDTH].strip().removeprefix("Max ")
        words = line[_NAME_WIDTH:].split()
        if len(words) >= 2 and all(_is_bound(word) for word in words[:2]):
            soft, hard = (
                None if word == "unlimited" else int(word) for word in words[:2]
            )
            yield LimitLine(name, soft, hard, words[2] if len(words) > 2 else "")


def _is_bound(word: str) -> bool:
    return word == "unlimited" or _is_number(word)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
