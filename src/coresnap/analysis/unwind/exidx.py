"""ARM's own unwinding tables: .ARM.exidx and .ARM.extab.

"Exception Handling ABI for the Arm Architecture" (EHABI32), sections 5 to 10. Each
entry tells how to leave a function's body; in prologues and epilogues it is not exact.
"""

from __future__ import annotations

import msgspec

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.expression.numbers import DecodeError, uleb128
from coresnap.analysis.unwind.step import Apply, Registers
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule

__all__ = ["ExceptionIndex", "compile_entry", "exception_index"]

_PT_ARM_EXIDX = 0x70000001
_CANNOT_UNWIND = 1
_FINISH = 0xB0
_SP, _LINK, _PC = 13, 14, 15
_CALLEE_SAVED = range(4, 12)


class ExceptionIndex(msgspec.Struct, frozen=True, eq=False):
    """The index of one module, searched where it lies in memory."""

    memory: Memory
    start: int
    """Run-time address of the first entry."""
    count: int

    def find(self, address: int) -> bytes | None:
        """The instructions for the function at ``address``; None if it has none, or
        its entry says that it cannot be unwound. Raises ``DecodeError``."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self._offset(self.start + 8 * middle) <= address:
                low = middle + 1
            else:
                high = middle
        return None if low == 0 else self._entry(self.start + 8 * (low - 1) + 4)

    def _word(self, address: int) -> int:
        data = self.memory.read_some(address, 4)
        if len(data) < 4:
            raise DecodeError("the exception table is not in the core")
        return int.from_bytes(data, self.memory.byte_order)

    def _offset(self, address: int) -> int:
        """prel31: 31 bits, relative to their own place."""
        value = self._word(address) & 0x7FFFFFFF
        return address + value - (value >> 30 << 31) & 0xFFFFFFFF

    def _entry(self, address: int) -> bytes | None:
        word = self._word(address)
        if word == _CANNOT_UNWIND:
            return None
        if word >> 31:
            return _compact(word, b"")
        table = self._offset(address)
        word = self._word(table)
        if word >> 31:
            more = word >> 16 & 0xFF if word >> 24 & 15 else 0
            return _compact(word, self._bytes(table + 4, more))
        # A personality routine of its own: GCC's keep instructions behind it, too.
        first = self._word(table + 4)
        behind = self._bytes(table + 8, first >> 24)
        return (first & 0xFFFFFF).to_bytes(3, "big") + behind

    def _bytes(self, address: int, words: int) -> bytes:
        """Instructions go from each word's highest byte to its lowest."""
        found = [self._word(address + 4 * index) for index in range(words)]
        return b"".join(word.to_bytes(4, "big") for word in found)


def _compact(word: int, more: bytes) -> bytes:
    """Personality routine 0 has three bytes in the word, 1 and 2 have two."""
    kind = word >> 24 & 15
    if kind > 2:
        raise DecodeError(f"personality routine {kind}")
    data = word.to_bytes(4, "big")
    return data[1:] if kind == 0 else data[2:] + more


def exception_index(module: LoadedModule, memory: Memory) -> ExceptionIndex | None:
    """The module's index; None if it has none."""
    headers: ElfFile | None = module.elf or module.image
    segment = headers.segment(_PT_ARM_EXIDX) if headers is not None else None
    if segment is None:
        return None
    return ExceptionIndex(memory, module.load_bias + segment.vaddr, segment.memsz // 8)


def compile_entry(code: bytes, memory: Memory, code_mask: int) -> Apply:
    """A function that takes a frame to its caller by these instructions."""

    def apply(registers: Registers, full: bool) -> tuple[int, Registers, bool]:
        caller = {r: v for r, v in registers.items() if r in _CALLEE_SAVED}
        caller[_SP] = registers.get(_SP, 0)
        if full and _LINK in registers:
            caller[_LINK] = registers[_LINK]
        _Machine(code, memory, caller, registers).run()
        found = caller.pop(_PC, None)
        link = caller.pop(_LINK, None)
        target = link if found is None else found
        if target is None:
            raise ExpressionError("the return address is in a lost register")
        caller[_PC] = target & code_mask
        return caller[_SP], caller, False

    return apply


class _Machine(msgspec.Struct, eq=False):
    """Runs the instructions of table 4; ``caller`` becomes the caller's registers."""

    code: bytes
    memory: Memory
    caller: Registers
    callee: Registers
    position: int = 0

    def run(self) -> None:
        while self.position < len(self.code):
            opcode = self._next()
            if opcode == _FINISH:
                return
            self._take(opcode)

    def _next(self) -> int:
        if self.position >= len(self.code):
            raise ExpressionError("the exception table is cut")
        self.position += 1
        return self.code[self.position - 1]

    def _take(self, opcode: int) -> None:
        if opcode < 0x80:
            size = ((opcode & 0x3F) << 2) + 4
            self._move(-size if opcode & 0x40 else size)
        elif opcode < 0x90:
            mask = (opcode & 15) << 12 | self._next() << 4
            if not mask:
                raise ExpressionError("the table says that nothing leads to the caller")
            self._pop(mask)
        elif opcode < 0xA0:
            self._set_stack_pointer(opcode & 15)
        elif opcode < 0xB0:
            count = (opcode & 7) + 1
            self._pop((1 << count) - 1 << 4 | (opcode >> 3 & 1) << _LINK)
        else:
            self._take_rare(opcode)

    def _take_rare(self, opcode: int) -> None:
        if opcode == 0xB1:
            self._pop(self._next() & 15)
        elif opcode == 0xB2:
            size, self.position = uleb128(self.code, self.position)
            self._move(0x204 + (size << 2))
        elif opcode in (0xB3, 0xC8, 0xC9):
            count = (self._next() & 15) + 1
            self._move(8 * count + (4 if opcode == 0xB3 else 0))
        elif opcode == 0xB4:
            self._move(4)  # a return address authentication code
        elif 0xB8 <= opcode <= 0xBF:
            self._move(8 * (opcode & 7) + 12)
        elif 0xD0 <= opcode <= 0xD7:
            self._move(8 * (opcode & 7) + 8)
        else:
            raise ExpressionError(f"unknown exception table instruction {opcode:#04x}")

    def _move(self, size: int) -> None:
        self.caller[_SP] = self.caller[_SP] + size & 0xFFFFFFFF

    def _set_stack_pointer(self, register: int) -> None:
        value = self.caller.get(register, self.callee.get(register))
        if value is None or register in (_SP, _PC):
            raise ExpressionError("the stack pointer is in a lost register")
        self.caller[_SP] = value

    def _pop(self, mask: int) -> None:
        address = self.caller[_SP]
        for register in range(16):
            if mask >> register & 1:
                self.caller[register] = self.memory.read_word(address)
                address = address + 4 & 0xFFFFFFFF
        if not mask >> _SP & 1:
            self.caller[_SP] = address
