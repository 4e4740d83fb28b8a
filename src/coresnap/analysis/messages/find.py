"""Asks every finder for what was said before the process gave up."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.model import Note

if TYPE_CHECKING:
    from coresnap.analysis.messages.message import Message

__all__ = ["Found", "find_messages"]

_PLAIN = (
    "rust_panic",
    "go_panic",
    "fatal_error",
    "fatal_log",
    "assert_call",
    "allocator_text",
    "sanitizer",
)
"""Modules whose finder, ``find_`` and the name, needs nothing but the process."""
_MOST = 8
"""Messages of one kind: a forged core may hold any number."""


class Found(msgspec.Struct, frozen=True):
    """The messages, and which finders failed."""

    messages: tuple[Message, ...] = ()
    notes: tuple[Note, ...] = ()


def find_messages(process: DeadProcess, assets: Mapping[str, bytes]) -> Found:
    """Find what libraries and run-times said in a process that gave up."""
    messages: list[Message] = []
    notes: list[Note] = []
    for name, find in _finders(process, assets):
        # A finder reads attacker-chosen memory: what it trips over costs its own
        # answer and nobody else's.
        try:
            messages.extend(islice(find(), _MOST))
        except Exception as error:
            notes.append(Note(f"messages.{name}", f"{type(error).__name__}: {error}"))
    return Found(tuple(messages), tuple(notes))


def _finders(
    process: DeadProcess, assets: Mapping[str, bytes]
) -> Iterator[tuple[str, Callable[[], Iterator[Message]]]]:
    from coresnap.analysis.messages.abort_message import find_abort_message

    yield "abort", functools.partial(find_abort_message, process, assets)
    if process.has_library("libstdc++", "libc++"):
        from coresnap.analysis.messages.cplusplus import find_exception

        yield "exception", functools.partial(find_exception, process)
    if process.has_library("libglib-2.0"):
        from coresnap.analysis.messages.glib import find_glib_message

        yield "glib", functools.partial(find_glib_message, process)
    for name in _PLAIN:
        module = import_module(f"coresnap.analysis.messages.{name}")
        yield name, functools.partial(getattr(module, f"find_{name}"), process)
