"""What x86 instructions do to a frame: x86-64, x32 and i386.

The psABIs say what a frame looks like; here are the instructions with which GCC, Clang
and people make one.
"""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import (
    Decoder,
    Flow,
    FrameLayout,
    Instruction,
)
from coresnap.analysis.unwind.prologue.x86_length import Parts, parts_at

__all__ = ["x86_decoder"]

# Hardware numbers; DWARF's differ in both ABIs.
_SP, _FP = 4, 5
_DWARF_64 = (0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15)
_DWARF_32 = (0, 1, 2, 3, 4, 5, 6, 7)
_ADD, _AND, _SUB = 0, 4, 5
_STORE, _LOAD, _LEA = 0x89, 0x8B, 0x8D


def x86_decoder(*, wide: bool) -> Decoder:
    """A decoder for 64-bit or 32-bit code."""
    numbers = _DWARF_64 if wide else _DWARF_32
    word = 8 if wide else 4

    def decode(
        code: bytes, position: int, address: int, layout: FrameLayout
    ) -> Instruction | None:
        parts = parts_at(code, position, wide=wide)
        if parts is None:
            return None
        effect = _Effect(parts, layout, numbers, word, address)
        return effect.take()

    return decode


class _Effect:
    def __init__(
        self,
        parts: Parts,
        layout: FrameLayout,
        numbers: tuple[int, ...],
        word: int,
        address: int,
    ) -> None:
        self.parts, self.layout = parts, layout
        self.numbers, self.word = numbers, word
        self.after = address + parts.size

    def take(self) -> Instruction:
        """Apply it, and say where it leads."""
        parts = self.parts
        if parts.map == 0 and not parts.vector:
            opcode = parts.opcode
            if opcode & 0xF0 == 0x50:
                self._push_or_pop(opcode)
            elif opcode in (_STORE, _LOAD, _LEA):
                self._move(opcode)
            elif opcode in (0x81, 0x83):
                self._arithmetic()
            else:
                return self._other(opcode)
        elif parts.map == 1 and parts.opcode & 0xF0 == 0x80:
            return self._branch(Flow.BRANCH)
        elif parts.map == 1 and parts.opcode == 0x1F:
            return Instruction(parts.size, Flow.PAD)
        elif parts.map == 1 and parts.opcode == 0x0B:  # ud2
            return Instruction(parts.size, Flow.JUMP)
        elif parts.map == 1 and parts.opcode == 0x34:
            # sysenter: the kernel returns with ebp as the system call's argument.
            self.layout.bases.pop(self.numbers[_FP], None)
        return Instruction(parts.size)

    def _push_or_pop(self, opcode: int) -> None:
        register = self.numbers[opcode & 7 | (self.parts.rex & 1) << 3]
        layout = self.layout
        if opcode < 0x58:
            layout.grow(self.word)
            layout.save_at_stack_pointer(register, 0)
        else:
            layout.grow(-self.word)
            layout.bases.pop(register, None)

    def _move(self, opcode: int) -> None:
        parts, layout = self.parts, self.layout
        register, sp = self.numbers[parts.reg], self.numbers[_SP]
        other = None if parts.rm is None else self.numbers[parts.rm]
        if other is not None and opcode != _LEA:
            source, target = (
                (register, other) if opcode == _STORE else (other, register)
            )
            self._copy(source, target)
        elif parts.base is None:
            self._lose(register, opcode)
        else:
            base = self.numbers[parts.base]
            if opcode == _STORE:
                self._store(register, base)
            elif opcode == _LOAD:
                self._lose(register, opcode)
            elif register == sp:
                self._move_stack_pointer(base, parts.displacement)
            elif base == sp:
                layout.set_base(register, parts.displacement)
            else:
                self._lose(register, opcode)

    def _copy(self, source: int, target: int) -> None:
        layout, sp = self.layout, self.numbers[_SP]
        if target == sp:
            layout.set_stack_pointer(source, 0)
        elif source == sp:
            layout.set_base(target, 0)
        else:
            layout.bases.pop(target, None)
            if source in layout.bases:
                layout.bases[target] = layout.bases[source]

    def _lose(self, register: int, opcode: int) -> None:
        if opcode == _STORE:
            return
        if register == self.numbers[_SP]:
            self.layout.depth = None
        self.layout.bases.pop(register, None)
        self.layout.constants.pop(register, None)

    def _store(self, register: int, base: int) -> None:
        if base == self.numbers[_SP]:
            self.layout.save_at_stack_pointer(register, self.parts.displacement)
        else:
            self.layout.store(register, base, self.parts.displacement)

    def _move_stack_pointer(self, base: int, displacement: int) -> None:
        if base == self.numbers[_SP]:
            self.layout.grow(-displacement)
        else:
            self.layout.set_stack_pointer(base, displacement)

    def _arithmetic(self) -> None:
        parts, layout = self.parts, self.layout
        if parts.rm != _SP:
            return
        if parts.group == _SUB:
            layout.grow(parts.immediate)
        elif parts.group == _ADD:
            layout.grow(-parts.immediate)
        elif parts.group == _AND:
            layout.realign()

    def _other(self, opcode: int) -> Instruction:
        parts, layout, size = self.parts, self.layout, self.parts.size
        if opcode in (0xC3, 0xC2, 0xCB, 0xCA, 0xF4):
            return Instruction(size, Flow.RETURN)
        if opcode in (0xE9, 0xEB):
            return self._branch(Flow.JUMP)
        if opcode & 0xF0 == 0x70 or 0xE0 <= opcode <= 0xE3:
            return self._branch(Flow.BRANCH)
        if opcode in (0x90, 0xCC):
            return Instruction(size, Flow.PAD)
        if opcode == 0xE8:
            if parts.immediate:
                return Instruction(size, Flow.CALL)
            layout.grow(self.word)  # call of the next instruction, to learn the pc
        elif opcode in (0x68, 0x6A, 0x9C):
            layout.grow(self.word)
        elif opcode in (0x8F, 0x9D):
            layout.grow(-self.word)
        elif opcode == 0xC9:  # leave
            layout.set_stack_pointer(self.numbers[_FP], self.word)
            layout.bases.pop(self.numbers[_FP], None)
        elif opcode == 0xC8:
            self._enter()
        elif opcode == 0xFF:
            return self._group_five()
        elif opcode in (0x31, 0x33):
            self._clear()
        elif 0xB8 <= opcode <= 0xBF:
            register = self.numbers[opcode & 7 | (parts.rex & 1) << 3]
            layout.constants[register] = parts.immediate
            layout.bases.pop(register, None)
        else:
            self._computed(opcode)
        return Instruction(size)

    def _computed(self, opcode: int) -> None:
        """sub and cmp with the stack pointer; lea r11 and cmp are how a large frame
        is probed page by page."""
        parts, layout = self.parts, self.layout
        if opcode in (0x29, 0x2B) and parts.rm is not None:
            target, source = parts.rm, parts.reg
            if opcode == 0x2B:
                target, source = source, target
            if target == _SP:
                size = layout.constants.get(self.numbers[source])
                if size is None:
                    layout.depth = None
                else:
                    layout.grow(size)
        elif opcode in (0x39, 0x3B) and _SP in (parts.rm, parts.reg):
            other = parts.reg if parts.rm == _SP else parts.rm
            layout.compared = None if other is None else self.numbers[other]

    def _enter(self) -> None:
        layout, fp = self.layout, self.numbers[_FP]
        layout.grow(self.word)
        layout.save_at_stack_pointer(fp, 0)
        layout.set_base(fp, 0)
        layout.grow(self.parts.immediate & 0xFFFF)

    def _group_five(self) -> Instruction:
        group, size = self.parts.group, self.parts.size
        if group in (4, 5):
            return Instruction(size, Flow.JUMP)
        if group == 2:
            return Instruction(size, Flow.CALL)
        if group == 6:
            self.layout.grow(self.word)
        return Instruction(size)

    def _clear(self) -> None:
        parts = self.parts
        if parts.rm == parts.reg == _FP and self.numbers[_FP] not in self.layout.saved:
            self.layout.outermost = True
        elif parts.rm is not None:
            self.layout.bases.pop(self.numbers[parts.rm], None)

    def _branch(self, flow: Flow) -> Instruction:
        target, layout = self.after + self.parts.immediate, self.layout
        if flow is Flow.BRANCH and target < self.after and layout.compared is not None:
            # The end of a probing loop: the stack pointer has arrived.
            if layout.compared in layout.bases:
                layout.depth = -layout.bases[layout.compared]
            layout.compared = None
        return Instruction(self.parts.size, flow, target)
