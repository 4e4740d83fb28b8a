"""What tells a function apart that has no name: its length and how it is unwound.

Call frame information stays in stripped files. Its instructions for one function are
relative to its start, so that neither address-space randomisation nor new code
elsewhere in the module changes them; an edit of the function itself does.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.sections import ModuleCfi, module_cfi
from coresnap.model import Frame

if TYPE_CHECKING:
    from coresnap.analysis.unwind.stack import Stack, StackFrame
    from coresnap.elfcore.memory import Memory

__all__ = ["with_unwind_entries"]

_PADDING = b"\0"  # DW_CFA_nop, up to the alignment of the next entry
_MOST = 64
"""Frames without a name that are looked at, from the inner end."""


def with_unwind_entries(
    frames: Sequence[Frame], stack: Stack, memory: Memory
) -> tuple[Frame, ...]:
    """``frames`` of ``stack``, those without a name with what tells them apart."""
    nameless = [at for at, f in enumerate(frames) if f.function is None][:_MOST]
    if not nameless:
        return tuple(frames)
    found = list(frames)
    by_pc = {one.pc: one for one in stack.frames}
    opened: dict[int, ModuleCfi] = {}
    for at in nameless:
        frame = frames[at]
        if (one := by_pc.get(frame.pc)) is not None and frame.interpreter is None:
            found[at] = _with_entry(frame, one, memory, opened)
    return tuple(found)


def _with_entry(
    frame: Frame, one: StackFrame, memory: Memory, opened: dict[int, ModuleCfi]
) -> Frame:
    module = one.module
    if module is None:
        return frame
    cfi = opened.get(module.start)
    if cfi is None:
        cfi = opened[module.start] = module_cfi(module, memory)
    try:
        entry = cfi.find(one.lookup_pc - module.load_bias)
    except DecodeError:
        return frame
    if entry is None:
        return frame
    fde, _ = entry
    rules = crc32(bytes(fde.instructions).rstrip(_PADDING))
    return msgspec.structs.replace(
        frame,
        function_offset=frame.pc - module.load_bias - fde.start,
        unwind_entry=f"{fde.end - fde.start:x}:{rules:08x}",
    )
