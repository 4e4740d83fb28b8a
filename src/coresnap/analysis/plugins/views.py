"""A crash as plug-ins see it: to be looked at and remarked on, never changed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from coresnap.analysis.plugins.contributions import Contributions
from coresnap.errors import MemoryReadError
from coresnap.model import (
    Block,
    Classifier,
    Frame,
    Snapshot,
    Thread,
    Variable,
)

__all__ = ["CrashView", "FrameView", "Process", "ThreadView", "VariableView"]

_STRING_LIMIT = 4096


class Process(Protocol):
    """Where a plug-in's reads go: the core, or what a snapshot keeps of it."""

    pointer_size: int
    byte_order: str

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""

    def block(self, address: int) -> Block | None:
        """The heap block at ``address``; None where none is known."""


class _View(msgspec.Struct, frozen=True, eq=False):
    """Something that a plug-in may remark on."""

    crash: CrashView
    noun: Any

    def annotate(
        self,
        level: str,
        message: str = "",
        *,
        title: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Remark on this: ``level`` is ``comment``, ``warning`` or ``critical``."""
        self.crash.added.annotate(self.noun, level, message, title, data)


class VariableView(_View, frozen=True, eq=False):
    """A variable, member, element or pointee."""

    @property
    def name(self) -> str:
        """As in the source; ``[3]`` for an element, ``*`` for a pointee."""
        return self._variable.name

    @property
    def type(self) -> str:
        """As one writes it in the source language."""
        return self._variable.type

    @property
    def value(self) -> int | float | str | bool | None:
        """The number of a scalar, the address in a pointer; None for compounds."""
        return self._variable.value

    @property
    def text(self) -> str | None:
        """A string's contents, an enumerator, a line about a container."""
        return self._variable.text

    @property
    def address(self) -> int | None:
        """Where it lives; None if in a register."""
        return self._variable.address

    @property
    def missing(self) -> str | None:
        """Why there is no value."""
        return self._variable.missing

    @property
    def members(self) -> tuple[VariableView, ...]:
        """Members and elements; of a pointer, those of what it points to."""
        owner = self._variable
        if not owner.members and owner.target is not None:
            owner = owner.target
        return tuple(VariableView(self.crash, m) for m in owner.members)

    @property
    def items(self) -> tuple[VariableView, ...]:
        """What a container holds, as its users think of it."""
        return tuple(VariableView(self.crash, i) for i in self._variable.items)

    @property
    def target(self) -> VariableView | None:
        """What it points to, where that was followed."""
        target = self._variable.target
        return None if target is None else VariableView(self.crash, target)

    def __getitem__(self, name: str) -> VariableView:
        """The member ``name``, through a pointer as well; raises ``KeyError``."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    @property
    def _variable(self) -> Variable:
        found: Variable = self.noun
        return found


class FrameView(_View, frozen=True, eq=False):
    """A function's activation."""

    @property
    def frame(self) -> Frame:
        """All that is known of it: function, file, line, module, pc, …"""
        found: Frame = self.noun
        return found

    @property
    def variables(self) -> tuple[VariableView, ...]:
        """Arguments first, then locals."""
        return tuple(VariableView(self.crash, v) for v in self.frame.variables)

    def __getitem__(self, name: str) -> VariableView:
        """The first variable ``name``; raises ``KeyError``."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)


class ThreadView(_View, frozen=True, eq=False):
    """A thread at the moment of the crash."""

    @property
    def thread(self) -> Thread:
        """All that is known of it: tid, name, whether it crashed, registers."""
        found: Thread = self.noun
        return found

    @property
    def frames(self) -> tuple[FrameView, ...]:
        """Innermost first."""
        return tuple(FrameView(self.crash, frame) for frame in self.thread.frames)


class CrashView(msgspec.Struct, frozen=True, eq=False):
    """The whole crash. What is found here is of ``snapshot``, which is not finished:
    attributes, classifiers and threads are, the rest may be missing."""

    snapshot: Snapshot
    process: Process
    added: Contributions

    @property
    def threads(self) -> tuple[ThreadView, ...]:
        """The crashed one first."""
        return tuple(ThreadView(self, thread) for thread in self.snapshot.threads)

    @property
    def globals(self) -> tuple[VariableView, ...]:
        """Variables that belong to no frame."""
        return tuple(VariableView(self, one) for one in self.snapshot.globals)

    def variables(
        self,
        *,
        name: str = "*",
        type: str = "*",
        function: str = "*",
        file: str = "*",
        module: str = "*",
    ) -> Iterator[VariableView]:
        """Yield the variables of frames that match patterns as those of file names."""
        for thread in self.threads:
            for frame in thread.frames:
                known = frame.frame
                if not (
                    _matches(known.function, function)
                    and _matches(known.file, file)
                    and _matches(known.module, module)
                ):
                    continue
                for variable in frame.variables:
                    if _matches(variable.name, name) and _matches(variable.type, type):
                        yield variable

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes of the process; raises ``MemoryReadError``."""
        return self.process.read(address, size)

    def word(self, address: int) -> int:
        """Return the pointer at ``address``; raises ``MemoryReadError``."""
        data = self.read(address, self.process.pointer_size)
        order: Any = self.process.byte_order
        return int.from_bytes(data, order)

    def string(self, address: int, limit: int = _STRING_LIMIT) -> str:
        """Return the text up to NUL, the end of what is there, or ``limit`` bytes."""
        data = b""
        while len(data) < limit:
            try:
                byte = self.read(address + len(data), 1)
            except MemoryReadError:
                if not data:
                    raise
                break
            if byte == b"\0":
                break
            data += byte
        return data.decode("utf-8", "backslashreplace")

    def block(self, address: int) -> Block | None:
        """Return the heap block at ``address``; None where none is known."""
        return self.process.block(address)

    def add_attribute(self, name: str, value: int | float | str) -> None:
        """Add an attribute, by which faults can be counted and grouped."""
        self.added.add_attribute(name, value)

    def add_classifier(
        self, name: str, confidence: str, *evidence: str, summary: str = ""
    ) -> None:
        """Add a conclusion; ``summary`` says what the program did: ``ran out of …``."""
        tid = self.snapshot.threads[0].tid if self.snapshot.threads else None
        self.added.add_classifier(
            Classifier(name, confidence, evidence, tid, summary=summary)
        )

    def annotate(
        self,
        level: str,
        message: str = "",
        *,
        title: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Remark on the whole crash."""
        self.added.annotate(None, level, message, title, data)


def _matches(text: str | None, pattern: str) -> bool:
    return pattern == "*" or fnmatch.fnmatchcase(text or "", pattern)
