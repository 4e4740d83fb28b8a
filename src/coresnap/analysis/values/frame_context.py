"""A frame, as DWARF expressions see it: registers, memory, what the caller passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import RawOperation
from coresnap.analysis.expression import (
    AnyOperation,
    BaseType,
    ExpressionContext,
    ExpressionError,
    MemoryLocation,
    Op,
    Operations,
    RegisterLocation,
    evaluate,
    evaluate_value,
)
from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.errors import MemoryReadError

__all__ = [
    "ADDRESS_MASK",
    "CallSite",
    "FrameCode",
    "FrameContext",
    "Machine",
    "ThreadLocalBlock",
]

ADDRESS_MASK = (1 << 64) - 1
_ENTRY_DEPTH = 8
"""Entry values that need entry values of their callers."""


ThreadLocalBlock = Callable[["int | None"], int]
"""(thread pointer or None) -> address of a module's thread-local storage in that
thread; raises ``ExpressionError``."""


class Machine(msgspec.Struct, frozen=True, eq=False):
    """What is the same in all frames of one core."""

    pointer_size: int
    byte_order: ByteOrder
    register_names: Mapping[int, str]
    read: Callable[[int, int], bytes]
    """(address, size) -> exactly that many bytes; raises ``MemoryReadError``."""


class CallSite(msgspec.Struct, frozen=True, eq=False):
    """A call in progress, as the caller's debug information describes it."""

    callee: str | None
    """Linkage name of the function that is called; None: see ``target``."""
    target: tuple[RawOperation, ...] | None
    """Expression for the address of the function, in the caller; None: not said."""
    registers: Mapping[int, tuple[RawOperation, ...]]
    """Register of a parameter to the expression of its value, in the caller."""
    parameters: Mapping[int, tuple[RawOperation, ...]]
    """The same by DIE of the parameter, where it has no register."""
    function: int = 0
    """DIE that names the function that is called; 0: see ``target``."""


class FrameCode(msgspec.Struct, frozen=True, eq=False):
    """The function of a frame: what is the same in all of its activations."""

    file: DebugFile
    bias: int
    start: int
    """Run-time address of the function's entry."""
    symbol: str
    """Linkage name of the function."""
    frame_base: tuple[RawOperation, ...] | None
    """DW_AT_frame_base; None if the function has none."""
    call_site: CallSite | None
    """The call that is going on in it; None: not described, or none is."""
    thread_local_block: ThreadLocalBlock
    names: Callable[[int], frozenset[str]] | None = None
    """(run-time address) -> all names of what begins there: libc's functions have
    several, and their callers know them by another one."""
    tail_caller: TailCaller | None = None
    """Who jumped to a function, where it is another one that was called."""


TailCaller = Callable[
    ["FrameContext", CallSite, str], "tuple[FrameContext, CallSite] | None"
]
"""(a frame, the call going on in it, linkage name of a function) -> the function that
jumped there and left no frame, with the jump; None if that is not known."""


class Neighbours(Protocol):
    """The other frames of the stack, by index; the innermost is 0."""

    thread_pointer: int | None
    """The register that thread-local storage is counted from."""

    def at(self, index: int) -> FrameContext | None:
        """A frame; None if there is none, or no debug information for it."""
        ...

    def untouched(self, number: int, index: int) -> int | None:
        """A register as the frames below ``index`` left it: none of them saved it."""
        ...


class FrameContext(ExpressionContext):
    """A physical frame, as expressions see it."""

    def __init__(
        self,
        machine: Machine,
        code: FrameCode,
        registers: Mapping[int, int],
        canonical_frame_address: int | None,
        neighbours: Neighbours,
        index: int,
    ) -> None:
        """``registers`` are those known, by DWARF number; ``index`` is in the stack."""
        self.machine = machine
        self.code = code
        self.registers = registers
        self.canonical_frame_address = canonical_frame_address
        self.neighbours = neighbours
        self.index = index
        self.pointer_size = machine.pointer_size
        self.byte_order = machine.byte_order
        self._survives = False
        self._frame_base: int | None = None
        self._depth = 0

    def read(self, address: int, size: int) -> bytes:
        """Memory; raises ``MemoryReadError``."""
        return self.machine.read(address, size)

    def register(self, number: int) -> int | None:
        """A register as it was in this frame; None if a callee did not save it."""
        value = self.registers.get(number)
        return (
            self.neighbours.untouched(number, self.index)
            if value is None and self._survives
            else value
        )

    def relocate(self, address: int) -> int:
        """The process's address for a link-time one."""
        return address + self.code.bias & ADDRESS_MASK

    def cfa(self) -> int:
        """The canonical frame address; raises ``ExpressionError``."""
        if self.canonical_frame_address is None:
            raise ExpressionError("the frame was found without call frame information")
        return self.canonical_frame_address

    def frame_base(self) -> int:
        """What DW_OP_fbreg counts from; raises ``ExpressionError``."""
        if self._frame_base is None:
            self._frame_base = self._compute_frame_base()
        return self._frame_base

    def _compute_frame_base(self) -> int:
        if self.code.frame_base is None:
            raise ExpressionError("the function has no frame base")
        first = self.code.frame_base[0] if self.code.frame_base else None
        if first is not None and first.atom == Op.CALL_FRAME_CFA:
            return self.cfa()  # what GCC writes; the long way costs ten times as much
        found = evaluate(self.code.frame_base, self)
        if isinstance(found, MemoryLocation):
            return found.address
        if isinstance(found, RegisterLocation):
            value = self.register(found.number)
            if value is not None:
                return value
            raise ExpressionError(self.lost_register(found.number))
        raise ExpressionError("the frame base is not an address")

    def lost_register(self, number: int) -> str:
        """Why ``register`` gave None."""
        name = self.machine.register_names.get(number, f"register {number}")
        return f"{name} was not saved by the called function"

    def tls_address(self, offset: int) -> int:
        """Address of a thread-local variable; raises ``ExpressionError``."""
        block = self.code.thread_local_block(self.neighbours.thread_pointer)
        return block + offset & ADDRESS_MASK

    def base_type(self, operation: AnyOperation, reference: int) -> BaseType:
        """The type that a typed operation names; raises ``ExpressionError``."""
        if not operation.die:
            return BaseType(self.pointer_size, 0)
        die = self.code.file.die(operation.die)
        return BaseType(die.byte_size, die.encoding)

    def procedure(self, operation: AnyOperation) -> Operations:
        """The expression of the DIE that a call operation names; empty if it has
        none (DWARF 5, section 2.5.1.5)."""
        if not operation.die:
            raise ExpressionError("calls another expression, which was not found")
        return self.code.file.location(operation.die, Attribute.LOCATION, 0) or ()

    def entry_value(self, operations: Operations) -> int | None:
        """A register's value when the function was entered, computed in the caller.

        As in DWARF 5, section 2.5.1.7, and as debuggers do it: from the parameters
        that the call site records, if it is this function that it calls.
        """
        register = _single_register(operations)
        return None if register is None else self._passed_in(register)

    def _passed_in(self, register: int) -> int | None:
        caller, site = self._caller()
        if caller is None or site is None:
            return None
        return self._passed(caller, site.registers.get(register))

    def parameter_value(self, operation: AnyOperation) -> int | None:
        """What the parameter of ``operation.die`` had on entry; None if not known."""
        caller, site = self._caller()
        if caller is None or site is None:
            return None
        return self._passed(caller, site.parameters.get(operation.die))

    def _caller(self) -> tuple[FrameContext | None, CallSite | None]:
        """Who called this function, with the call: a frame, or one that a tail call
        has replaced."""
        caller = self.neighbours.at(self.index + 1)
        site = caller.code.call_site if caller is not None else None
        if caller is None or site is None or _calls(site, caller, self.code):
            return caller, site
        find = caller.code.tail_caller
        found = None if find is None else find(caller, site, self.code.symbol)
        return found or (None, None)

    def _passed(
        self, caller: FrameContext, expression: tuple[RawOperation, ...] | None
    ) -> int | None:
        # A call value may ask for an entry value of the caller, and so on upwards.
        if expression is None or self._depth >= _ENTRY_DEPTH:
            return None
        caller._depth = self._depth + 1
        # Compilers write values that outlive the call, so that a register that no
        # callee saved is one that none of them touches (GCC's -fipa-ra).
        survives, caller._survives = caller._survives, True
        try:
            return evaluate_value(expression, caller)
        finally:
            caller._depth, caller._survives = 0, survives


def _single_register(operations: Operations) -> int | None:
    """The register that an entry value is about, if it is about one."""
    if len(operations) != 1:
        return None
    first = operations[0]
    if Op.REG0 <= first.atom < Op.REG0 + 32:
        return first.atom - Op.REG0
    if first.atom in (Op.REGX, Op.REGVAL_TYPE, Op.GNU_REGVAL_TYPE):
        return first.number
    return None


def _calls(site: CallSite, caller: FrameContext, code: FrameCode) -> bool:
    """Whether the call is one of this very function.

    A function that was entered by a tail call has a caller that called another one,
    with other arguments.
    """
    if site.callee is not None:
        return site.callee == code.symbol or (
            code.names is not None and site.callee in code.names(code.start)
        )
    if site.target is None:
        return False
    try:
        return evaluate_value(site.target, caller) == code.start
    except (ExpressionError, MemoryReadError):
        return False
