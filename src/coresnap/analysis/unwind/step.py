"""From a row of rules to a function that takes one frame to its caller.

Rows are compiled once per pc, so that recursion and equal threads cost a dictionary
look-up and a handful of memory reads per frame.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.expression import (
    ExpressionContext,
    ExpressionError,
    Operation,
    decode,
    evaluate_value,
)
from coresnap.analysis.unwind.rules import Row, Rule, RuleKind
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture
from coresnap.model import Trust

__all__ = ["Apply", "Registers", "Step", "compile_row"]

Registers = dict[int, int]

Apply = Callable[[Registers, bool], tuple[int, Registers, bool]]
"""(registers, all of them are of this moment) to (CFA, the caller's registers, whether
those hold more than a call preserves). Raises ``MemoryReadError`` and
``ExpressionError`` (a register that is not known included)."""


class Step(msgspec.Struct, frozen=True, eq=False):
    """Everything about one lookup pc."""

    module: LoadedModule | None
    executable: bool
    """It lies in memory that the process could execute."""
    signal_frame: bool = False
    outermost: bool = False
    """The CFI says that there is no caller."""
    apply: Apply | None = None
    """None: neither CFI nor its code tells how to leave it."""
    trust: Trust = Trust.CFI
    """How a caller is found that ``apply`` gives."""
    exact: bool = False
    """A caller's pc was planted, not pushed by a call: the lookup pc is the pc."""
    last: bool = False
    """Said to be a stack's last function, unless something leads on after all."""


class _FrameContext(ExpressionContext):
    """Registers of one frame and the core's memory, for expressions in rules."""

    def __init__(self, memory: Memory, registers: Registers) -> None:
        self.pointer_size = memory.pointer_size
        self.byte_order = memory.byte_order
        self.read = memory.read  # type: ignore[method-assign]
        self.register = registers.get  # type: ignore[method-assign,assignment]


def compile_row(
    row: Row,
    column: int,
    arch: Architecture,
    memory: Memory,
    code_mask: int | None = None,
) -> Apply:
    """Compile ``row``; ``column`` is the return address column of its CIE.

    Of a return address only the bits in ``code_mask`` are kept. Raises ``DecodeError``
    if an expression cannot be decoded.
    """
    mask = arch.code_mask if code_mask is None else code_mask
    compiler = _Compiler(row, column, arch, memory, mask)
    if compiler.is_plain():
        return compiler.plain()
    return compiler.general()


class _Compiler(msgspec.Struct, eq=False):
    row: Row
    column: int
    arch: Architecture
    memory: Memory
    code_mask: int

    def is_plain(self) -> bool:
        """CFA from a register, callee-saved registers and return address below it."""
        row, arch = self.row, self.arch
        if row.cfa_register < 0:
            return False
        return (
            arch.cfa_is_stack_pointer
            and self.column in row.rules
            and all(rule.kind is RuleKind.OFFSET for rule in row.rules.values())
            and row.rules.keys() <= arch.callee_saved | {self.column}
        )

    def plain(self) -> Apply:
        row, arch, mask = self.row, self.arch, self.arch.pointer_mask
        cfa_register, cfa_offset = row.cfa_register, row.cfa_offset
        pc, sp, preserved = arch.program_counter, arch.stack_pointer, arch.callee_saved
        read_word = self.memory.read_word
        saved = [
            (register, rule.number)
            for register, rule in row.rules.items()
            if register != self.column
        ]
        return_offset, code_mask = row.rules[self.column].number, self.code_mask

        def apply(registers: Registers, full: bool) -> tuple[int, Registers, bool]:
            if cfa_register not in registers:
                raise ExpressionError("the CFA needs a register that is lost")
            cfa = registers[cfa_register] + cfa_offset & mask
            if full:
                caller = {r: v & mask for r, v in registers.items() if r in preserved}
            else:
                caller = registers.copy()
            caller[pc] = read_word(cfa + return_offset & mask) & code_mask
            for register, offset in saved:
                caller[register] = read_word(cfa + offset & mask)
            caller[sp] = cfa
            return cfa, caller, False

        return apply

    def general(self) -> Apply:
        arch, mask = self.arch, self.arch.pointer_mask
        pc, sp, preserved = arch.program_counter, arch.stack_pointer, arch.callee_saved
        cfa_of = self._cfa()
        finders = [
            (register, self._finder(register, rule))
            for register, rule in self.row.rules.items()
            if register != self.column
        ]
        return_address, code_mask = self._return_address(), self.code_mask
        restores_more = not self.row.rules.keys() <= preserved | {self.column, sp}
        explicit_sp = sp in self.row.rules or not arch.cfa_is_stack_pointer

        def apply(registers: Registers, full: bool) -> tuple[int, Registers, bool]:
            cfa = cfa_of(registers) & mask
            caller = {r: v & mask for r, v in registers.items() if r in preserved}
            if not explicit_sp:
                caller[sp] = cfa
            for register, find in finders:
                value = find(registers, cfa)
                if value is None and register == sp:
                    # Saved in a register that is lost; the ABI fixes where it was.
                    value = cfa - arch.save_area
                if value is None:
                    caller.pop(register, None)
                else:
                    caller[register] = value
            found = return_address(registers, cfa)
            if found is None:
                raise ExpressionError("the return address is in a lost register")
            caller[pc] = found & code_mask
            return cfa, caller, restores_more

        return apply

    def _cfa(self) -> Callable[[Registers], int]:
        row, memory = self.row, self.memory
        if row.cfa_register >= 0:
            register, offset = row.cfa_register, row.cfa_offset

            def by_register(registers: Registers) -> int:
                if register not in registers:
                    raise ExpressionError("the CFA needs a register that is lost")
                return registers[register] + offset

            return by_register
        operations = self._decode(row.cfa_expression)

        def by_expression(registers: Registers) -> int:
            return evaluate_value(operations, _FrameContext(memory, registers))

        return by_expression

    def _decode(self, expression: bytes) -> list[Operation]:
        return decode(expression, self.arch.pointer_size, self.arch.byte_order)

    def _finder(
        self, register: int, rule: Rule
    ) -> Callable[[Registers, int], int | None]:
        memory, mask, number = self.memory, self.arch.pointer_mask, rule.number
        kind = rule.kind
        if kind is RuleKind.OFFSET:
            return lambda registers, cfa: memory.read_word(cfa + number & mask)
        if kind is RuleKind.VAL_OFFSET:
            return lambda registers, cfa: cfa + number & mask
        if kind is RuleKind.SAME_VALUE:
            return lambda registers, cfa: registers.get(register)
        if kind is RuleKind.REGISTER:
            return lambda registers, cfa: registers.get(number)
        if kind is RuleKind.UNDEFINED:
            return lambda registers, cfa: None
        operations = self._decode(rule.expression)
        in_memory = kind is RuleKind.EXPRESSION

        def by_expression(registers: Registers, cfa: int) -> int:
            context = _FrameContext(memory, registers)
            value = evaluate_value(operations, context, (cfa,)) & mask
            return memory.read_word(value) if in_memory else value

        return by_expression

    def _return_address(self) -> Callable[[Registers, int], int | None]:
        rule = self.row.rules.get(self.column, Rule(RuleKind.SAME_VALUE))
        if self.column == self.arch.program_counter and (
            rule.kind is RuleKind.SAME_VALUE
        ):
            # Without a rule the caller's pc would be this one: there is no caller.
            return lambda registers, cfa: None
        return self._finder(self.column, rule)
