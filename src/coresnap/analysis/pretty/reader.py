"""From a printer's answer to a variable: budgets, loops and failures end here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.pretty.presentation import (
    UNFIT,
    CorruptValueError,
    Item,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.errors import MemoryReadError
from coresnap.model import Variable, VariableKind
from coresnap.snapshot.values import inline_value

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.analysis.values.scalars import Read

__all__ = ["PrettyReader"]

_KEY_LENGTH = 80
"""Characters of a map's key that name its element."""
_TEXT_LENGTH = 4096
_MEMORY_REASON = "corrupt or not in the core"


class _Shown(msgspec.Struct):
    """What became of a presentation."""

    text: str | None = None
    described: bool = True
    value: int | float | str | bool | None = None
    items: tuple[Variable, ...] = ()
    target: Variable | None = None
    truncated: bool = False
    sound: bool = True
    """Nothing contradicts that the value is what it looks like."""


def _constructed(constructor: str, shown: _Shown) -> str:
    """A value as its source writes it: ``Some(3)``, ``Circle {radius: 2.0}``."""
    if not shown.items:
        return constructor
    positional = shown.items[0].name == "[0]"
    arguments = (
        inline_value(item, depth=1)
        if positional
        else f"{item.name}: {inline_value(item, depth=1)}"
        for item in shown.items
    )
    text = ", ".join(arguments)
    if len(text) > _KEY_LENGTH:
        text = text[: _KEY_LENGTH - 1] + "…"
    return f"{constructor}({text})" if positional else f"{constructor} {{{text}}}"


class PrettyReader:
    """Reads values of one type as its printer presents them; ``raw`` reads members."""

    def __init__(
        self, decoder: ValueDecoder, type: ValueType, present: Present, raw: Read
    ) -> None:
        self._decoder = decoder
        self._allowance = decoder.allowance
        self._type = type
        self._present = present
        self._raw = raw

    def read(
        self,
        name: str,
        kind: VariableKind,
        data: bytes,
        offset: int,
        address: int | None,
    ) -> Variable:
        """The value that stands at ``data[offset:]``."""
        raw = functools.partial(self._raw, name, kind, data, offset, address)
        if self._allowance.depth <= 0:
            return raw()
        return self.present(Value(self._type, address, data, offset), name, kind, raw)

    def present(
        self,
        value: Value,
        name: str,
        kind: VariableKind,
        read_raw: Callable[[], Variable],
    ) -> Variable:
        """The value as its printer presents it, with the members that ``read_raw``
        reads."""
        shown = self._shown(value)
        raw = self._raw_view(shown, read_raw)
        return Variable(
            name,
            raw.type,
            kind,
            shown.value,
            shown.text,
            raw.members,
            shown.target,
            value.address,
            None,
            None,
            shown.truncated,
            shown.items,
            raw.dynamic_type,
            shown.described and shown.text is not None,
        )

    def _raw_view(self, shown: _Shown, read_raw: Callable[[], Variable]) -> Variable:
        """The members: in full if they are all there is to see, else a few."""
        allowance = self._allowance
        nodes, levels = allowance.nodes, allowance.levels
        given = min(allowance.raw, allowance.total)
        if not shown.sound:
            given = max(given, nodes)
        allowance.nodes, allowance.levels = given, 0 if shown.sound else levels
        try:
            return read_raw()
        finally:
            spent = given - allowance.nodes
            allowance.raw = max(0, allowance.raw - spent)
            allowance.nodes, allowance.levels = nodes, levels

    def _shown(self, value: Value) -> _Shown:
        allowance = self._allowance
        depth, raw, levels = allowance.depth, allowance.raw, allowance.levels
        allowance.depth -= 1
        allowance.raw = 0
        # What a container holds is complete when it is presented: pointers in there
        # are not left to the walk that leads here.
        targets = self._decoder.targets
        pending, targets.pending = targets.pending, None
        try:
            return self._follow(self._present(value))
        except CorruptValueError as error:
            return _Shown(f"corrupt or not initialised: {error}", sound=False)
        except MemoryReadError as error:
            return _Shown(f"{_MEMORY_REASON}: {error.address:#x}", sound=False)
        except UNFIT as error:
            return _Shown(f"not known: {error}", sound=False)
        finally:
            allowance.depth, allowance.raw, allowance.levels = depth, raw, levels
            targets.pending = pending

    def _follow(self, found: Presentation) -> _Shown:
        shown = _Shown(found.text, not found.contents, found.number)
        shown.truncated = found.truncated
        if shown.text is not None and len(shown.text) > _TEXT_LENGTH:
            shown.text, shown.truncated = shown.text[:_TEXT_LENGTH], True
        if found.like is not None:
            self._add_like(shown, found.like)
        if found.target is not None:
            self._add_target(shown, found.target)
        self._add_items(shown, found)
        return shown

    def _add_like(self, shown: _Shown, like: Value) -> None:
        inner = like.show("[0]", VariableKind.ELEMENT)
        shown.truncated = shown.truncated or inner.truncated
        if inner.missing is not None:
            shown.text, shown.sound = inner.missing, False
        elif shown.text is None or like.type.is_pointer:
            shown.value, shown.target = inner.value, inner.target
            shown.items = (
                inner.items if inner.described else inner.items or inner.members
            )
            if shown.text is None:
                shown.text, shown.described = inner.text, inner.described
        else:
            shown.items = inner.items or (inner,)

    def _add_target(self, shown: _Shown, target: Value) -> None:
        allowance = self._allowance
        if allowance.levels <= 0:
            return
        if not allowance.spend(1):
            shown.truncated = True
            return
        allowance.levels -= 1
        withheld = allowance.confine(self._decoder.limits.nodes_per_target)
        shown.target = target.show("*", VariableKind.TARGET)
        allowance.release(withheld)
        allowance.levels += 1

    def _add_items(self, shown: _Shown, found: Presentation) -> None:
        items: list[Variable] = []
        source = iter(found.items)
        try:
            shown.truncated = self._take(source, items) or shown.truncated
        except CorruptValueError as error:
            self._spoil(shown, found, items, str(error))
        except MemoryReadError as error:
            reason = f"{error.address:#x} is not in the core"
            self._spoil(shown, found, items, reason)
        if items and items[-1].missing is not None:
            self._spoil(shown, found, items[:-1], items.pop().missing or "")
        shown.items = tuple(items) if items else shown.items
        if found.constructor is not None and shown.sound:
            shown.text = _constructed(found.constructor, shown)

    def _spoil(
        self, shown: _Shown, found: Presentation, items: list[Variable], why: str
    ) -> None:
        of = f" of {found.count}" if found.count is not None else ""
        text = "" if shown.text is None else f"{shown.text}, "
        shown.text = f"{text}corrupt: {len(items)}{of} elements readable: {why}"
        shown.sound = False
        shown.described = True

    def _take(
        self, source: Iterator[Item | tuple[Value, Value]], items: list[Variable]
    ) -> bool:
        """Read items into ``items`` up to a limit; returns whether there are more."""
        limit = self._decoder.limits.elements
        for first, value in source:
            if len(items) >= limit or not self._allowance.spend(1):
                return True
            name = first if isinstance(first, str) else self._key(first)
            items.append(value.show(name, VariableKind.ELEMENT))
            if items[-1].missing is not None:
                break
        return False

    def _key(self, key: Value) -> str:
        text = inline_value(key.show("", VariableKind.ELEMENT), depth=1)
        if len(text) > _KEY_LENGTH:
            text = text[: _KEY_LENGTH - 1] + "…"
        return f"[{text}]"
