"""Threads, their frames, and the variables in them."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

__all__ = [
    "Annotation",
    "Frame",
    "Thread",
    "Trust",
    "UnwindEnd",
    "Variable",
    "VariableKind",
]


class Trust(enum.StrEnum):
    """How a frame was found, from certain to guessed."""

    CONTEXT = "context"
    """The registers the kernel saved: the frame that was running."""
    CFI = "cfi"
    """Call frame information of the callee."""
    FRAME_POINTER = "frame-pointer"
    """The frame pointer or back chain: right if the callee keeps one."""
    PROLOGUE = "prologue"
    """The callee's instructions, read from its start to the pc."""
    SCAN = "scan"
    """A word on the stack that looks like a return address: a guess."""
    INTERPRETER = "interpreter"
    """An interpreter's own frame structures: see ``Frame.interpreter``."""


class UnwindEnd(enum.StrEnum):
    """Why a stack ends where it does."""

    OUTERMOST = "outermost"
    """CFI or the ABI's marks say that there is no caller: the stack is complete."""
    ZERO_RETURN_ADDRESS = "zero-return-address"
    """The return address or the chain's end is 0, the mark of a thread's first
    function."""
    NO_PROGRESS = "no-progress"
    """The caller's frame would not be above this one: a loop or a smashed stack."""
    UNREADABLE = "unreadable"
    """The memory with the return address is not in the core."""
    NO_RULE = "no-rule"
    """Neither CFI, nor the code, nor a chain, nor a scan finds a caller."""
    FRAME_LIMIT = "frame-limit"
    """There are more frames than were walked: millions, or they run in a circle."""
    NO_REGISTERS = "no-registers"
    """The core holds no registers that we can read for this thread."""


class VariableKind(enum.StrEnum):
    """Where a variable stands in the program, or in another variable."""

    ARGUMENT = "argument"
    LOCAL = "local"
    GLOBAL = "global"
    TLS = "tls"
    MEMBER = "member"
    BASE = "base"
    ELEMENT = "element"
    TARGET = "target"


class Annotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A remark for people, owned by a snapshot, a thread, a frame or a variable."""

    level: str
    """``comment``, ``warning`` or ``critical``."""
    message: str
    """One sentence or clause; empty if ``data`` says all."""
    title: str = ""
    """Heading of ``data``."""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    """A tree of texts, numbers, lists and maps; empty for a plain remark."""
    source: str = ""
    """The plug-in it comes from; empty for our own."""


class Variable(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named, typed value; compound values and pointees are nested."""

    name: str
    """As in the source; ``[3]`` for an element, ``*`` for a pointee."""
    type: str
    """Type as one writes it in the source language."""
    kind: VariableKind
    value: int | float | str | bool | None = None
    """Scalars: the number (pointers: the address); enums: the number; strings and
    character arrays: see ``text``. None for compounds and for missing values. An
    integer wider than 64 bits is a decimal string."""
    text: str | None = None
    """What a person reads: string contents, enumerator, function name, character."""
    members: tuple[Variable, ...] = ()
    """Members, elements, base classes; in source order."""
    target: Variable | None = None
    """What a pointer or reference points to, when it was followed."""
    address: int | None = None
    """Where it lives in memory; None if in a register or computed."""
    location: str | None = None
    """``rbx``, ``implicit``, ``pieces``; None if in memory or missing."""
    missing: str | None = None
    """Why there is no value, e.g. ``optimized out: no location at this pc``."""
    truncated: bool = False
    """The value was cut at a budget: more elements, depth or text exist."""
    items: tuple[Variable, ...] = ()
    """What a container holds, as its users think of it; ``members`` keep the raw view,
    as far as there was room for it. Elements of a map are named ``[key]``."""
    dynamic_type: str | None = None
    """Type of the whole object by its vtable, where that is not the declared one."""
    described: bool = False
    """``text`` is about the value (``std::vector of 3``), not a part of it."""
    annotations: tuple[Annotation, ...] = ()


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One function activation; an inlined call is a frame of its own."""

    pc: int
    """Program counter in this frame (a return address for callers)."""
    trust: Trust
    inline: bool = False
    """Inlined into the next frame, with which it shares pc and registers."""
    signal_frame: bool = False
    """Made by the kernel to deliver a signal; its caller was interrupted."""
    function: str | None = None
    """Name for people: demangled, without the parameter list."""
    linkage_name: str | None = None
    """Symbol as the linker knows it, if it differs from ``function``."""
    function_offset: int | None = None
    """Bytes from the function's start to pc."""
    file: str | None = None
    line: int | None = None
    """1-based; None if not known."""
    module: str | None = None
    """Path of the module as it was mapped."""
    module_offset: int | None = None
    """pc minus the module's load bias: what addr2line takes."""
    build_id: str | None = None
    """Hex digits of the module's build-id."""
    stack_pointer: int | None = None
    """Stack pointer in this frame."""
    variables: tuple[Variable, ...] = ()
    """Arguments first, then locals, inner scopes last."""
    source: tuple[str, ...] = ()
    """Lines around ``line``; empty if the file is not there or is newer."""
    source_start: int | None = None
    """1-based number of the first line in ``source``."""
    short_name: str | None = None
    """``function`` with template arguments shortened, where that makes it shorter."""
    language: str | None = None
    """Source language of the compile unit: ``C11``, ``C++17``, ``Rust``, ``Python``."""
    producer: str | None = None
    """Compiler and flags, as the compile unit tells them (DW_AT_producer)."""
    optimized: bool | None = None
    """Compiled with optimisation; None if nobody says."""
    interpreter: str | None = None
    """The interpreter whose frame this is, e.g. ``CPython 3.11``; pc and registers are
    those of the native frame that runs it. None for a native frame."""
    left_out: int = 0
    """Frames between the one before and this one that a long stack lost its middle
    with; inlined calls do not count."""
    annotations: tuple[Annotation, ...] = ()
    unwind_entry: str | None = None
    """What tells a function of the crashed thread apart that has no name: its bytes and
    the CRC-32 of its call frame instructions, ``1a3:9f3c2b1d``, in hexadecimal."""


class Thread(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thread at the moment of the crash."""

    tid: int
    crashed: bool
    end: UnwindEnd
    name: str | None = None
    """Thread name (comm); None if neither core nor assets say."""
    frames: tuple[Frame, ...] = ()
    """Innermost first."""
    registers: dict[str, int] = msgspec.field(default_factory=dict)
    """Name to unsigned value, general-purpose registers only."""
    like: int | None = None
    """tid of a thread with the same stack that stands for this one: ``frames`` are that
    thread's, without variables and stack pointers. None for a thread of its own."""
    annotations: tuple[Annotation, ...] = ()
