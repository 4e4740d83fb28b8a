"""Functions that left no frame: who called whom by jumping there.

A function that ends in a call may jump instead, and its own frame is gone. The caller's
call site then names the first of such a chain, and the frame below is of the last. If
there is one way only from the one to the other, it is known what each passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.functions import FunctionFinder
from coresnap.analysis.values.call_sites import call_site_at, linkage_name
from coresnap.analysis.values.frame_context import CallSite, FrameContext
from coresnap.errors import InputError

__all__ = ["TailCallFinder"]

_STACK_POINTERS = frozenset({"rsp", "esp", "sp"})
_CALL_SITES = (Tag.CALL_SITE, Tag.GNU_CALL_SITE)
_AROUND = (Tag.LEXICAL_BLOCK, Tag.INLINED_SUBROUTINE, Tag.TRY_BLOCK, Tag.CATCH_BLOCK)
_LONGEST = 16
"""Functions of one chain."""
_MOST_STEPS = 1000
"""Calls looked at in search of one chain."""
_MOST_SITES = 10_000
_MOST_NAMES = 256
"""Functions of other units that are looked for among a module's symbols."""


class _TailCall(msgspec.Struct, frozen=True, eq=False):
    """A call that a function ends in."""

    site: CallSite
    function: int
    """DIE of the called function's code; 0: not known."""
    symbol: str
    """The function's own name, which the call may know by another one."""


class TailCallFinder:
    """Chains of tail calls within one debug file; functions are read when needed.

    A function of another unit is only declared in the caller's: ``address_of`` gives
    its link-time address by its linkage name.
    """

    def __init__(
        self,
        file: DebugFile,
        finder: FunctionFinder,
        address_of: Callable[[str], int | None],
    ) -> None:
        self._file = file
        self._finder = finder
        self._address_of = address_of
        self._elsewhere: dict[str, int] = {}
        self._calls: dict[int, tuple[_TailCall, ...]] = {}
        self._steps = 0

    def caller_of(
        self, caller: FrameContext, site: CallSite, symbol: str
    ) -> tuple[FrameContext, CallSite] | None:
        """The function that jumped to ``symbol``, with that jump, after ``caller``
        called another one in ``site``; None if that is not known."""
        chain = self._chain(site, symbol)
        for call in chain:
            caller, site = _replaced(caller, site, call), call
        return (caller, site) if chain else None

    def _chain(self, site: CallSite, symbol: str) -> tuple[CallSite, ...]:
        """The tail calls from the function that ``site`` calls to ``symbol``, in order.

        Empty if there is no such chain, more than one, or a call whose target is only
        known at run time.
        """
        if not site.function or not symbol:
            return ()
        self._steps = 0
        try:
            start = self._code_of(site)
            found = list(self._chains(start, symbol, ())) if start else []
        except (InputError, _UnclearError):
            return ()
        return tuple(call.site for call in found[0]) if len(found) == 1 else ()

    def _chains(
        self, function: int, symbol: str, before: tuple[_TailCall, ...]
    ) -> Iterator[tuple[_TailCall, ...]]:
        if len(before) >= _LONGEST:
            raise _UnclearError
        seen = {call.function for call in before}
        for call in self._tail_calls(function):
            self._steps += 1
            if self._steps > _MOST_STEPS or call.site.callee is None:
                raise _UnclearError
            if symbol in (call.site.callee, call.symbol):
                yield (*before, call)
            elif call.function and call.function not in seen:
                yield from self._chains(call.function, symbol, (*before, call))

    def _tail_calls(self, function: int) -> tuple[_TailCall, ...]:
        found = self._calls.get(function)
        if found is None:
            found = self._calls[function] = tuple(self._read(function))
        return found

    def _read(self, function: int) -> Iterator[_TailCall]:
        pending, sites = [function], 0
        while pending and sites < _MOST_SITES:
            rows = self._file.children(pending.pop(), (*_CALL_SITES, *_AROUND))
            for handle, tag in rows:
                sites += 1
                if tag in _AROUND:
                    pending.append(handle)
                elif self._is_tail_call(handle):
                    site = call_site_at(self._file, handle)
                    code = self._code_of(site)
                    name = linkage_name(self._file, code) if code else ""
                    yield _TailCall(site, code, name)

    def _code_of(self, site: CallSite) -> int:
        """DIE of the code of the function that a call names; 0: not known."""
        if not site.function:
            return 0
        own = self._finder.code_of(site.function)
        return own or self._code_elsewhere(site.callee or "")

    def _code_elsewhere(self, name: str) -> int:
        found = self._elsewhere.get(name)
        if found is None and name and len(self._elsewhere) < _MOST_NAMES:
            address = self._address_of(name)
            found = 0 if address is None else self._finder.code_at(address)
            self._elsewhere[name] = found
        return found or 0

    def _is_tail_call(self, handle: int) -> bool:
        names = (Attribute.CALL_TAIL_CALL, Attribute.GNU_TAIL_CALL)
        values = (self._file.attribute(handle, name) for name in names)
        return any(value is not None and value.number == 1 for value in values)


class _UnclearError(Exception):
    """More than one chain may lead there."""


class _ReplacedFrame(msgspec.Struct, eq=False):
    """Neighbours of a function that left no frame: only its caller is known."""

    caller: FrameContext
    thread_pointer: int | None = None

    def at(self, index: int) -> FrameContext | None:
        """Its caller."""
        return self.caller

    def untouched(self, number: int, index: int) -> int | None:
        """Nothing: it gave back the registers that it saved before it jumped."""
        return None


def _replaced(caller: FrameContext, site: CallSite, call: CallSite) -> FrameContext:
    """The function that ``site`` calls in ``caller``, which ended in ``call``."""
    code = msgspec.structs.replace(
        caller.code, symbol=site.callee or "", frame_base=None, call_site=call
    )
    # It had given back what it saved, and its stack, before it jumped.
    names = caller.machine.register_names
    registers = {
        number: value
        for number, value in caller.registers.items()
        if names.get(number) not in _STACK_POINTERS
    }
    neighbours = _ReplacedFrame(caller, caller.neighbours.thread_pointer)
    return FrameContext(caller.machine, code, registers, None, neighbours, 0)
