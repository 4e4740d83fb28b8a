"""Where CPython keeps what, per version, in bytes: the structures as data.

Offsets hold for 64-bit builds with a GIL. Those up to 3.12 are of the structures in
``Include/internal`` and ``Include/cpython``, compared with the debug information of
builds (``tests/analysis/interpreters/test_layouts.py``); a minor version never changes
them. Later versions tell most of them themselves: see ``debug_offsets``.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "LAYOUTS",
    "CodeLayout",
    "FrameLayout",
    "Layout",
    "ObjectLayout",
    "RuntimeLayout",
    "ThreadLayout",
    "Version",
]

Version = tuple[int, int]


class RuntimeLayout(msgspec.Struct, frozen=True):
    """``_PyRuntimeState`` and ``PyInterpreterState``."""

    interpreters_head: int
    """The first interpreter; the main one is in the next word."""
    interpreter_next: int
    threads_head: int


class ThreadLayout(msgspec.Struct, frozen=True):
    """``PyThreadState``."""

    next: int
    interpreter: int
    frame: int | None
    """The innermost frame; None: it is in the ``cframe``."""
    cframe: int | None
    """The innermost ``_PyCFrame``, which lies on the native stack."""
    thread_id: int
    """``pthread_self()``."""
    native_thread_id: int | None
    exception: int
    """The value of the exception that is being raised."""
    handled: int
    """The exceptions that are being handled (``exc_info``)."""
    cframe_frame: int | None = None
    """In a ``_PyCFrame``: the innermost frame."""
    cframe_previous: int | None = None


class FrameLayout(msgspec.Struct, frozen=True):
    """``PyFrameObject`` up to 3.10, ``_PyInterpreterFrame`` after it."""

    previous: int
    code: int
    instruction: int
    """``f_lasti`` (an index), or a pointer to the instruction."""
    locals: int
    namespace: int
    """The dict of names of a module or class body (``f_locals``)."""
    owner: int | None = None
    """Who keeps it (``enum _frameowner``); see ``native_owner``."""
    is_entry: int | None = None
    """True in a frame that native code called (3.11)."""
    native_owner: int | None = None
    """From this owner on it is no Python frame, but lies on the native stack where an
    activation of the evaluator began."""
    tagged: bool = False
    """Locals and code are tagged pointers (``_PyStackRef``)."""


class CodeLayout(msgspec.Struct, frozen=True):
    """``PyCodeObject``."""

    argument_count: int
    keyword_only_count: int
    flags: int
    first_line: int
    filename: int
    name: int
    """The qualified name from 3.11 on."""
    lines: int
    """``co_lnotab`` (3.9), ``co_linetable``."""
    names: tuple[int, ...]
    """Tuples with the names of locals, in their order in the frame."""
    kinds: int | None = None
    """A byte for each name (3.11)."""
    instructions: int | None = None
    """Where the instructions are; None: frames count from 0."""
    first_traceable: int | None = None
    """The instruction before which a frame is not yet complete."""


class ObjectLayout(msgspec.Struct, frozen=True):
    """Objects of built-in types, where versions differ or tell."""

    ascii_size: int
    """Bytes before the characters of an ASCII string."""
    compact_size: int
    """Bytes before those of another one."""
    tagged_integers: bool
    """The number of digits is in the upper bits of a tag (3.12)."""
    log2_keys: bool
    """Sizes of a dict's keys are exponents (3.11)."""
    values_header: int
    """Bytes before the values of a split dict (3.13)."""
    function_name: int
    type_name: int
    """The name in a type that is not built in (``ht_name``)."""
    cached_keys: int
    """Names of the attributes that instances share (``ht_cached_keys``)."""
    object_type: int = 8
    type_text: int = 24
    type_flags: int = 168
    item_count: int = 16
    list_items: int = 24
    tuple_items: int = 24
    bytes_data: int = 32
    float_value: int = 16
    integer_size: int = 16
    integer_digits: int = 24
    """From 3.12 on too: the tag takes the place of the count."""
    text_length: int = 16
    text_state: int = 32
    dict_keys: int = 32
    dict_values: int = 40
    set_used: int = 24
    set_mask: int = 32
    set_table: int = 40


class Layout(msgspec.Struct, frozen=True):
    """One version."""

    version: Version
    runtime: RuntimeLayout
    thread: ThreadLayout
    frame: FrameLayout
    code: CodeLayout
    objects: ObjectLayout


_CODE_OBJECTS_UNTIL_3_10 = CodeLayout(
    argument_count=16,
    keyword_only_count=24,
    flags=36,
    first_line=40,
    filename=104,
    name=112,
    lines=120,
    names=(72, 88, 80),
)
_CODE_3_12 = CodeLayout(
    argument_count=52,
    keyword_only_count=60,
    flags=48,
    first_line=68,
    filename=112,
    name=128,
    lines=136,
    names=(96,),
    kinds=104,
    instructions=192,
    first_traceable=176,
)
_OBJECTS_3_9 = ObjectLayout(
    ascii_size=48,
    compact_size=72,
    tagged_integers=False,
    log2_keys=False,
    values_header=0,
    function_name=64,
    type_name=840,
    cached_keys=864,
)
_OBJECTS_3_10 = msgspec.structs.replace(
    _OBJECTS_3_9, function_name=32, type_name=848, cached_keys=872
)
_OBJECTS_3_12 = msgspec.structs.replace(
    _OBJECTS_3_10,
    ascii_size=40,
    compact_size=56,
    tagged_integers=True,
    log2_keys=True,
    type_name=856,
    cached_keys=880,
)

_3_9 = Layout(
    version=(3, 9),
    runtime=RuntimeLayout(interpreters_head=32, interpreter_next=0, threads_head=8),
    thread=ThreadLayout(
        next=8,
        interpreter=16,
        frame=24,
        cframe=None,
        thread_id=176,
        native_thread_id=None,
        exception=96,
        handled=144,
    ),
    frame=FrameLayout(previous=24, code=32, instruction=104, locals=360, namespace=56),
    code=_CODE_OBJECTS_UNTIL_3_10,
    objects=_OBJECTS_3_9,
)
_3_10 = Layout(
    version=(3, 10),
    runtime=_3_9.runtime,
    thread=msgspec.structs.replace(_3_9.thread, cframe=48, cframe_previous=8),
    frame=FrameLayout(previous=24, code=32, instruction=96, locals=352, namespace=56),
    code=_CODE_OBJECTS_UNTIL_3_10,
    objects=_OBJECTS_3_10,
)
_3_11 = Layout(
    version=(3, 11),
    runtime=RuntimeLayout(interpreters_head=40, interpreter_next=0, threads_head=16),
    thread=ThreadLayout(
        next=8,
        interpreter=16,
        frame=None,
        cframe=56,
        thread_id=152,
        native_thread_id=160,
        exception=104,
        handled=120,
        cframe_frame=8,
        cframe_previous=16,
    ),
    frame=FrameLayout(
        previous=48,
        code=32,
        instruction=56,
        locals=72,
        namespace=24,
        owner=69,
        is_entry=68,
    ),
    code=CodeLayout(
        argument_count=56,
        keyword_only_count=64,
        flags=48,
        first_line=72,
        filename=112,
        name=128,
        lines=136,
        names=(96,),
        kinds=104,
        instructions=184,
        first_traceable=168,
    ),
    objects=msgspec.structs.replace(_OBJECTS_3_10, log2_keys=True),
)
_3_12 = Layout(
    version=(3, 12),
    runtime=RuntimeLayout(interpreters_head=40, interpreter_next=0, threads_head=72),
    thread=ThreadLayout(
        next=8,
        interpreter=16,
        frame=None,
        cframe=56,
        thread_id=136,
        native_thread_id=144,
        exception=96,
        handled=104,
        cframe_frame=0,
        cframe_previous=8,
    ),
    frame=FrameLayout(
        previous=8,
        code=0,
        instruction=56,
        locals=72,
        namespace=40,
        owner=70,
        native_owner=3,
    ),
    code=_CODE_3_12,
    objects=_OBJECTS_3_12,
)
# What these tell themselves is put in its place by debug_offsets.
_3_13 = Layout(
    version=(3, 13),
    runtime=RuntimeLayout(
        interpreters_head=632,
        interpreter_next=7264,
        threads_head=7344,
    ),
    thread=ThreadLayout(
        next=8,
        interpreter=16,
        frame=72,
        cframe=None,
        thread_id=152,
        native_thread_id=160,
        exception=112,
        handled=120,
    ),
    frame=_3_12.frame,
    code=msgspec.structs.replace(_CODE_3_12, instructions=200, first_traceable=184),
    objects=msgspec.structs.replace(_OBJECTS_3_12, values_header=8),
)
_3_14 = msgspec.structs.replace(
    _3_13,
    version=(3, 14),
    frame=msgspec.structs.replace(_3_13.frame, locals=80, owner=74, tagged=True),
    code=msgspec.structs.replace(_3_13.code, instructions=208, first_traceable=192),
    objects=msgspec.structs.replace(_3_13.objects, function_name=32),
)

LAYOUTS: dict[Version, Layout] = {
    layout.version: layout for layout in (_3_9, _3_10, _3_11, _3_12, _3_13, _3_14)
}
