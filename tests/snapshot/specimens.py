"""Snapshots for tests: one small, one with every field set."""
# ruff: noqa: ANN401 - keyword arguments go to the nouns, which are typed

from __future__ import annotations

from typing import Any

import msgspec

from coresnap.model import (
    Access,
    Alias,
    Allocator,
    Annotation,
    Block,
    Classifier,
    Dropped,
    Frame,
    HeapDamage,
    Instruction,
    Mapping,
    MemoryRange,
    Module,
    Note,
    QualityPart,
    Search,
    Signal,
    Snapshot,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)
from coresnap.snapshot.folding import bare

__all__ = ["frame", "full", "small", "thread", "variable"]


def variable(name: str = "count", type_: str = "int", **fields: Any) -> Variable:
    fields.setdefault("kind", VariableKind.LOCAL)
    return Variable(name, type_, **fields)


def frame(**fields: Any) -> Frame:
    fields.setdefault("pc", 0x401136)
    fields.setdefault("trust", Trust.CONTEXT)
    return Frame(**fields)


def thread(tid: int = 4242, **fields: Any) -> Thread:
    fields.setdefault("crashed", tid == 4242)
    fields.setdefault("end", UnwindEnd.OUTERMOST)
    return Thread(tid, **fields)


def small(**fields: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "system": "Linux",
        "architecture": "x86-64",
        "pid": 4242,
        "command": "simple",
        "arguments": "./simple -v",
        "signal": Signal(11, "SIGSEGV", 1, "SEGV_MAPERR", 0),
        "threads": (thread(frames=(frame(function="program"),)),),
    }
    return Snapshot(**(defaults | fields))


def full() -> Snapshot:
    """Every field of every noun differs from its default."""
    return small(
        signal=Signal(
            6,
            "SIGABRT",
            -6,
            "SI_TKILL",
            0xFFFF_FFFF_FFFF_FFF8,
            sender_pid=1,
            sender_uid=1000,
            description="The process aborted itself.",
        ),
        threads=(
            thread(
                name="simple",
                frames=(_full_frame(),),
                registers={"rax": 0, "rip": 0xFFFF_FFFF_FFFF_FFFF},
                annotations=(_annotation(),),
            ),
            thread(4243, end=UnwindEnd.UNREADABLE),
            thread(4244, frames=bare([_full_frame()]), like=4242),
        ),
        modules=(
            Module(
                "/usr/bin/simple",
                0x400000,
                0x404000,
                0x1000,
                build_id="ab" * 20,
                file="/sysroot/usr/bin/simple",
                debug_file="/usr/lib/debug/.build-id/ab/ab.debug",
                symbols="dwarf",
                problem="build-id mismatch",
                searches=(Search("build-id", "/usr/lib/debug/.build-id/ab", "used"),),
            ),
        ),
        mappings=(Mapping(0x400000, 0x404000, "r-x", 4096, "/usr/bin/simple", 512),),
        globals=(variable("total", kind=VariableKind.GLOBAL, value=-3),),
        classifiers=(
            Classifier(
                "abort",
                "certain",
                ("SIGABRT",),
                4242,
                0x1000,
                frame=1,
                rule="SignalName",
                summary="the process gave up",
            ),
        ),
        summary="simple gave up.",
        annotations=(_annotation(),),
        callstack=("program", "main"),
        quality_parts=(
            QualityPart("memory", 15, 0.5, "partly missing", "keep the whole core"),
        ),
        instruction=Instruction(
            0x401136,
            "mov qword ptr [rax + 8], rdx",
            b"\x48\x89\x50\x08",
            (Access("write", 8, "[rax + 8]", ("rax",), 8, 0x5592A8),),
            0,
        ),
        heaps=(_allocator(),),
        blocks=(_block(),),
        aliases=(
            Alias(
                "variable",
                "list->head",
                0x5592A0,
                16,
                2,
                "struct node *",
                0x7FFF_FFFF_0010,
                4242,
                1,
                "stale: the block is free",
            ),
        ),
        fingerprint="5a" * 32,
        fingerprint_frames=("program", "main"),
        quality=93,
        quality_reason="memory: partly missing",
        attributes={"application": "simple", "process.age": 1.5, "process.id": 4242},
        notes=(Note("unwind", "one thread has no registers"),),
        dropped=(Dropped("variables", 12, "over 400,000 nodes", 4243),),
        truncated=True,
        core_size=20_300_000,
        memory=(
            MemoryRange(0x1000, bytes(range(256)) * 300),
            MemoryRange(0x7FFF_FFFF_0000, b"stack" * 30_000),
        ),
        assets={"proc/maps": b"00400000-00404000 r-xp\n"},
    )


def _annotation() -> Annotation:
    data = {"queue": {"length": 3, "names": ["a", "b"]}}
    return Annotation("warning", "the queue is full", "queue", data, "queues")


def _block() -> Block:
    return Block(
        0x5592A0, 24, "free", "glibc", "tcache of thread 4242", "main", b"\x0a" * 24
    )


def _allocator() -> Allocator:
    return Allocator(
        "glibc",
        "2.36",
        "symbols",
        arenas=1,
        live_blocks=3,
        live_bytes=4096,
        free_blocks=1,
        free_bytes=24,
        mapped_bytes=135_168,
        damage=(
            HeapDamage(
                0x5592B8,
                "size 0x41414141",
                "glibc",
                _block(),
                b"AAAA",
                "link",
                "the main arena was locked",
            ),
        ),
        freed=(_block(),),
        notes=("no thread cache of thread 4243",),
    )


def _full_frame() -> Frame:
    pointee = variable(
        "*",
        "struct node",
        kind=VariableKind.TARGET,
        members=(variable("value", kind=VariableKind.MEMBER, value=7),),
        address=0x5592A0,
        truncated=True,
        annotations=(_annotation(),),
    )
    return Frame(
        pc=0x401136,
        trust=Trust.SCAN,
        inline=True,
        signal_frame=True,
        function="program",
        linkage_name="_Z7programv",
        function_offset=6,
        file="/src/simple.c",
        line=13,
        module="/usr/bin/simple",
        module_offset=0x1136,
        build_id="ab" * 20,
        stack_pointer=0x7FFF_FFFF_0010,
        variables=(
            variable("argc", kind=VariableKind.ARGUMENT, value=1, location="rdi"),
            variable("head", "struct node *", value=0x5592A0, target=pointee),
            variable("name", "char[8]", text="AAAAAA", address=0x7FFF_0000),
            variable("gone", missing="optimized out: no location at this pc"),
            variable("ratio", "double", value=0.25),
            variable("ready", "bool", value=True),
            variable(
                "names",
                "base",
                items=(variable("[0]", "int", kind=VariableKind.ELEMENT, value=1),),
                dynamic_type="derived",
                described=True,
            ),
        ),
        source=("free(r);", "*(char *)r = '0';"),
        source_start=12,
        short_name="program",
        language="C11",
        producer="GNU C11 12.2.0 -O2",
        optimized=True,
        interpreter="CPython 3.11",
        left_out=98_231,
        annotations=(_annotation(),),
        unwind_entry="1a3:9f3c2b1d",
    )


def fields_at_default(noun: msgspec.Struct) -> list[str]:
    """Names of fields of ``noun`` that a round trip could lose unnoticed."""
    return [
        field.name
        for field in msgspec.structs.fields(type(noun))
        if not field.required
        and getattr(noun, field.name)
        == (
            field.default
            if field.default_factory is msgspec.NODEFAULT
            else field.default_factory()
        )
    ]
