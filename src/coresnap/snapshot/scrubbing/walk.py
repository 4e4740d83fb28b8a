"""Which fields of a snapshot may hold what the process chose.

All text and bytes do, but for those named here: a field that is added is scrubbed
unless somebody decides otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

import msgspec

from coresnap.model import (
    Access,
    Alias,
    Allocator,
    Annotation,
    Block,
    Classifier,
    Dropped,
    Frame,
    HeapDamage,
    Instruction,
    Mapping,
    Module,
    Note,
    QualityPart,
    Search,
    Signal,
    Snapshot,
    Thread,
    Variable,
)
from coresnap.snapshot.scrubbing.assignments import is_secret_name
from coresnap.snapshot.scrubbing.rules import Finding
from coresnap.snapshot.scrubbing.scrubber import Secrets, mark

__all__ = ["LEFT_ALONE", "Walk"]

T = TypeVar("T")

LEFT_ALONE: dict[type[msgspec.Struct], frozenset[str]] = {
    # Grouping rests on them, and they are the code's names, not data.
    Snapshot: frozenset(
        {"system", "architecture", "fingerprint", "fingerprint_frames", "callstack"}
        # Memory and assets are replaced in ways of their own.
        | {"memory", "assets"}
    ),
    Frame: frozenset(
        {"trust", "function", "linkage_name", "short_name", "file", "build_id"}
        | {"language", "producer", "interpreter", "unwind_entry"}
    ),
    Thread: frozenset({"end"}),
    Variable: frozenset({"type", "kind", "dynamic_type", "location"}),
    Module: frozenset({"build_id", "symbols"}),
    Mapping: frozenset({"permissions"}),
    Classifier: frozenset({"name", "confidence", "rule"}),
    # The program's own code, and the disassembler's words.
    Instruction: frozenset({"text", "data"}),
    Access: frozenset({"kind", "expression", "registers"}),
    Block: frozenset({"state", "allocator", "free_list", "arena"}),
    HeapDamage: frozenset({"allocator", "kind"}),
    Allocator: frozenset({"name", "version", "found_by"}),
    Alias: frozenset({"holder", "type"}),
    Annotation: frozenset({"level", "source"}),
    QualityPart: frozenset({"name", "reason", "remedy"}),
    Note: frozenset({"step"}),
    Dropped: frozenset({"what", "reason"}),
    Signal: frozenset({"name", "code_name", "description"}),
    Search: frozenset({"what", "result"}),
}
"""Fields with text or bytes that are never changed."""

_FIELDS: dict[type[msgspec.Struct], tuple[str, ...]] = {}


def _fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    if kind not in _FIELDS:
        alone = LEFT_ALONE.get(kind, frozenset())
        names = (field.name for field in msgspec.structs.fields(kind))
        _FIELDS[kind] = tuple(name for name in names if name not in alone)
    return _FIELDS[kind]


class Walk:
    """Goes through a tree of nouns; what is not changed stays the same object."""

    def __init__(self, secrets: Secrets, *, by_name: bool) -> None:
        """``by_name``: what has the name of a secret is one as a whole."""
        self._secrets = secrets
        self._by_name = by_name
        self._place: list[str] = []
        self.findings: list[Finding] = []

    def tree(self, value: T) -> T:
        """Return ``value`` without secrets."""
        return self._any(value)  # type: ignore[no-any-return]

    def note(self, count: Counter[str], place: str) -> None:
        """Remember what was found."""
        for scrubber, number in sorted(count.items()):
            self.findings.append(Finding(scrubber, place, number))

    def _any(self, value: Any) -> Any:  # noqa: ANN401 - whatever stands in a noun
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, msgspec.Struct):
            return self._struct(value)
        if isinstance(value, (tuple, list)):
            return self._sequence(value)
        if isinstance(value, dict):
            return self._map(value)
        if isinstance(value, bytes):
            changed, count = self._secrets.memory(value)
            self._found(count)
            return changed
        return value

    def _text(self, text: str) -> str:
        changed, count = self._secrets.text(text)
        if count:
            self._found(count)
        return changed

    def _found(self, count: Counter[str]) -> None:
        self.note(count, "".join(self._place).removeprefix("."))

    def _struct(self, value: msgspec.Struct) -> msgspec.Struct:
        changed = {}
        for name in _fields(type(value)):
            before = getattr(value, name)
            if not before or isinstance(before, (int, float)):
                continue
            self._place.append(f".{name}")
            after = self._any(before)
            self._place.pop()
            if after is not before:
                changed[name] = after
        if isinstance(value, Variable) and not value.described:
            changed |= self._by_its_name(value)
        return msgspec.structs.replace(value, **changed) if changed else value

    def _by_its_name(self, variable: Variable) -> dict[str, str]:
        text = variable.text or ""
        if not self._is_named(variable.name, text):
            return {}
        return {"text": self._whole(text, ".text")}

    def _sequence(self, value: Any) -> Any:  # noqa: ANN401 - a tuple or a list
        items = []
        for place, before in enumerate(value):
            self._place.append(f"[{place}]")
            items.append(self._any(before))
            self._place.pop()
        if all(one is other for one, other in zip(items, value, strict=True)):
            return value
        return type(value)(items)

    def _map(self, value: dict[Any, Any]) -> dict[Any, Any]:
        items = {}
        for name, before in value.items():
            self._place.append(f".{name}")
            if isinstance(before, str) and self._is_named(str(name), before):
                after = self._whole(before, "")
            else:
                after = self._any(before)
            items[self._any(name)] = after
            self._place.pop()
        same = items.keys() == value.keys()
        if same and all(items[name] is value[name] for name in value):
            return value
        return items

    def _is_named(self, name: str, text: str) -> bool:
        new = bool(text) and not text.startswith("[scrubbed ")
        return new and self._by_name and is_secret_name(name)

    def _whole(self, text: str, place: str) -> str:
        self._secrets.remember(text)
        self._place.append(place)
        self._found(Counter({"token": 1}))
        self._place.pop()
        return mark("token").decode()
