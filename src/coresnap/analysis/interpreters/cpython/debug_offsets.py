"""What CPython 3.13 and later say of themselves: ``_Py_DebugOffsets``.

The first bytes of ``_PyRuntime`` are a cookie, the version, and the offsets that a
debugger needs (``Include/internal/pycore_debug_offsets.h``; in 3.13
``pycore_runtime.h``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from coresnap.analysis.interpreters.cpython.layouts import (
    LAYOUTS,
    CodeLayout,
    Layout,
    ObjectLayout,
    RuntimeLayout,
    ThreadLayout,
    Version,
)
from coresnap.elfcore.memory import Memory
from coresnap.errors import InputError

__all__ = ["COOKIE", "DebugOffsets", "layout_of", "read_debug_offsets"]

COOKIE = b"xdebugpy"
_HIGHEST_OFFSET = 1 << 24

_FIELDS_3_13 = """
runtime.size runtime.finalizing runtime.interpreters_head
interpreter.size interpreter.id interpreter.next interpreter.threads_head
interpreter.gc interpreter.imports_modules interpreter.sysdict interpreter.builtins
interpreter.ceval_gil interpreter.gil interpreter.gil_enabled interpreter.gil_locked
interpreter.gil_holder
thread.size thread.prev thread.next thread.interp thread.current_frame
thread.thread_id thread.native_thread_id thread.datastack_chunk thread.status
frame.size frame.previous frame.executable frame.instr_ptr frame.localsplus frame.owner
code.size code.filename code.name code.qualname code.linetable code.firstlineno
code.argcount code.localsplusnames code.localspluskinds code.co_code_adaptive
object.size object.ob_type
type.size type.tp_name type.tp_repr type.tp_flags
tuple.size tuple.ob_item tuple.ob_size
list.size list.ob_item list.ob_size
dict.size dict.ma_keys dict.ma_values
float.size float.ob_fval
long.size long.lv_tag long.ob_digit
bytes.size bytes.ob_size bytes.ob_sval
unicode.size unicode.state unicode.length unicode.asciiobject_size
"""
_FIELDS_3_14 = """
runtime.size runtime.finalizing runtime.interpreters_head
interpreter.size interpreter.id interpreter.next interpreter.threads_head
interpreter.threads_main interpreter.gc interpreter.imports_modules
interpreter.sysdict interpreter.builtins interpreter.ceval_gil interpreter.gil
interpreter.gil_enabled interpreter.gil_locked interpreter.gil_holder
interpreter.code_object_generation interpreter.tlbc_generation
thread.size thread.prev thread.next thread.interp thread.current_frame
thread.thread_id thread.native_thread_id thread.datastack_chunk thread.status
frame.size frame.previous frame.executable frame.instr_ptr frame.localsplus frame.owner
frame.stackpointer frame.tlbc_index
code.size code.filename code.name code.qualname code.linetable code.firstlineno
code.argcount code.localsplusnames code.localspluskinds code.co_code_adaptive
code.co_tlbc
object.size object.ob_type
type.size type.tp_name type.tp_repr type.tp_flags
tuple.size tuple.ob_item tuple.ob_size
list.size list.ob_item list.ob_size
set.size set.used set.table set.mask
dict.size dict.ma_keys dict.ma_values
float.size float.ob_fval
long.size long.lv_tag long.ob_digit
bytes.size bytes.ob_size bytes.ob_sval
unicode.size unicode.state unicode.length unicode.asciiobject_size
"""
_FIELDS: dict[Version, tuple[str, ...]] = {
    (3, 13): tuple(_FIELDS_3_13.split()),
    (3, 14): tuple(_FIELDS_3_14.split()),
}


class DebugOffsets(msgspec.Struct, frozen=True):
    """The head of the table."""

    version: Version
    micro: int
    free_threaded: bool
    offsets: dict[str, int]
    """Field to bytes; empty for a version whose table we do not know."""


def read_debug_offsets(memory: Memory, runtime: int) -> DebugOffsets | None:
    """Read the table at the start of ``_PyRuntime``; None if there is none.

    Raises ``InputError`` for one that cannot be right.
    """
    order = ">" if memory.byte_order == "big" else "<"
    head = memory.read_some(runtime, 24)
    if len(head) < 24 or not head.startswith(COOKIE):
        return None
    number, free_threaded = struct.unpack(order + "QQ", head[8:])
    version = number >> 24 & 0xFF, number >> 16 & 0xFF
    names = _FIELDS.get(version, ())
    values = struct.unpack(
        f"{order}{len(names)}Q", memory.read(runtime + 24, 8 * len(names))
    )
    if any(value > _HIGHEST_OFFSET for value in values):
        raise InputError("the table of CPython's offsets (_PyRuntime) is damaged")
    offsets = dict(zip(names, values, strict=True))
    return DebugOffsets(version, number >> 8 & 0xFF, bool(free_threaded), offsets)


def layout_of(found: DebugOffsets) -> Layout | None:
    """The layout that the table describes; None for a version that we do not know.

    Fields that the table leaves out keep their distance from a neighbour in it.
    """
    known = LAYOUTS.get(found.version)
    if known is None or not found.offsets:
        return None
    at = found.offsets
    return msgspec.structs.replace(
        known,
        runtime=RuntimeLayout(
            interpreters_head=at["runtime.interpreters_head"],
            interpreter_next=at["interpreter.next"],
            threads_head=at["interpreter.threads_head"],
        ),
        thread=_thread(known.thread, at),
        frame=msgspec.structs.replace(
            known.frame,
            previous=at["frame.previous"],
            code=at["frame.executable"],
            instruction=at["frame.instr_ptr"],
            locals=at["frame.localsplus"],
            owner=at["frame.owner"],
        ),
        code=_code(at),
        objects=_objects(known.objects, at),
    )


def _thread(known: ThreadLayout, at: Mapping[str, int]) -> ThreadLayout:
    moved = at["thread.current_frame"] - (known.frame or 0)
    return msgspec.structs.replace(
        known,
        next=at["thread.next"],
        interpreter=at["thread.interp"],
        frame=at["thread.current_frame"],
        thread_id=at["thread.thread_id"],
        native_thread_id=at["thread.native_thread_id"],
        exception=known.exception + moved,
        handled=known.handled + moved,
    )


def _code(at: Mapping[str, int]) -> CodeLayout:
    arguments, instructions = at["code.argcount"], at["code.co_code_adaptive"]
    return CodeLayout(
        argument_count=arguments,
        keyword_only_count=arguments + 8,
        flags=arguments - 4,
        first_line=at["code.firstlineno"],
        filename=at["code.filename"],
        name=at["code.qualname"],
        lines=at["code.linetable"],
        names=(at["code.localsplusnames"],),
        kinds=at["code.localspluskinds"],
        instructions=instructions,
        first_traceable=instructions - 16,
    )


def _objects(known: ObjectLayout, at: Mapping[str, int]) -> ObjectLayout:
    return msgspec.structs.replace(
        known,
        ascii_size=at["unicode.asciiobject_size"],
        compact_size=at["unicode.asciiobject_size"] + 16,
        object_type=at["object.ob_type"],
        type_text=at["type.tp_name"],
        type_flags=at["type.tp_flags"],
        item_count=at["list.ob_size"],
        list_items=at["list.ob_item"],
        tuple_items=at["tuple.ob_item"],
        bytes_data=at["bytes.ob_sval"],
        float_value=at["float.ob_fval"],
        integer_size=at["long.lv_tag"],
        integer_digits=at["long.ob_digit"],
        text_length=at["unicode.length"],
        text_state=at["unicode.state"],
        dict_keys=at["dict.ma_keys"],
        dict_values=at["dict.ma_values"],
        set_used=at.get("set.used", known.set_used),
        set_mask=at.get("set.mask", known.set_mask),
        set_table=at.get("set.table", known.set_table),
    )
