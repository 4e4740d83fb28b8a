"""What runs on FreeBSD, compiled for it here, against FreeBSD's own headers.

Zig ships the headers and libc of FreeBSD, and a compiler that knows its machines. What
readers have as the format of a whole record, and not from the table that
test_freebsd_structures.py is about, becomes ``_Static_assert``s against these headers.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from catcher import NATIVE
from coresnap.elfcore import notes_freebsd_files as files
from coresnap.elfcore import notes_freebsd_mappings as mappings
from coresnap.elfcore.registers import architecture_of
from coresnap.elfcore.registers_freebsd import (
    prstatus_size,
    register_record,
    registers_offset,
)

pytestmark = pytest.mark.zig

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"]
# Debian's elfutils leaves these to glibc's headers; FreeBSD's port has its own.
ELFUTILS = [
    "-D__noreturn_attribute__=",
    "-D__nonnull_attribute__(...)=",
    "-D__deprecated_attribute__=",
    "-D__libdw_extern_inline=extern inline __attribute__((gnu_inline))",
    "-idirafter",
    "/usr/include",
]

# FreeBSD has this in the run-time library of its compiler, Zig has not.
MAIN = """
#include "zero_scan.h"
int main(void) { return !zero_scan_is_zero("", 1); }
#ifdef __x86_64__
unsigned __cpu_model[4];
#endif
"""


@attrs.frozen
class Target:
    name: str
    """As Zig calls the machine."""
    machine: int
    """EM_*."""
    word: int


TARGETS = [Target("x86_64", 62, 8), Target("aarch64", 183, 8), Target("x86", 3, 4)]
targets = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def zig(target: Target, *words: object) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", f"{target.name}-freebsd"]
        + [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[:4000]


@targets
def test_the_library_is_built_without_a_warning(target: Target, tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text(MAIN)
    sources = sorted((NATIVE / "library").glob("*.c"))
    output = tmp_path / "program"
    zig(target, *FLAGS, f"-I{NATIVE / 'library'}", "-o", output, main, *sources)
    assert b"FreeBSD\0" in output.read_bytes(), "the note of FreeBSD's ABI"


@targets
def test_the_program_that_crashes_is_built_without_a_warning(
    target: Target, tmp_path: Path
) -> None:
    source = NATIVE / "crash" / "crash.c"
    built, output = tmp_path / "crash.o", tmp_path / "crash"
    # Zig checks what is not optimised, if not told otherwise, and needs a run-time
    # library of its own, which takes a minute to build.
    flags = (*FLAGS, "-O0", "-g", "-pthread", "-fno-sanitize=undefined")
    zig(target, *flags, "-c", "-o", built, source)
    zig(target, "-O2", "-pthread", "-o", output, built)
    assert b"FreeBSD\0" in output.read_bytes(), "the note of FreeBSD's ABI"


@pytest.mark.libdw
@targets
def test_the_reader_of_dwarf_is_compiled_without_a_warning(
    target: Target, tmp_path: Path
) -> None:
    for source in sorted((NATIVE / "libdw").glob("*.c")):
        include = [f"-I{NATIVE / 'library'}", f"-I{NATIVE / 'libdw'}"]
        output = tmp_path / f"{source.stem}.o"
        zig(target, *FLAGS, *ELFUTILS, *include, "-c", source, "-o", output)


# --- structures -----------------------------------------------------------------------


def positions(layout: struct.Struct, start: int = 0) -> list[int]:
    """Offsets of a struct's fields, in order, from its format."""
    found, text, count = [], layout.format.lstrip("<"), ""
    position = start
    for code in text.replace(" ", ""):
        if code.isdigit():
            count += code
            continue
        each = struct.calcsize("<" + code)
        for _ in range(1 if code in "sx" else int(count or 1)):
            if code != "x":
                found.append(position)
            position += each * (int(count or 1) if code in "sx" else 1)
        count = ""
    return found


def asserted(name: str, members: dict[str, int], size: int | None = None) -> list[str]:
    lines = [
        f'_Static_assert(offsetof({name}, {member}) == {offset}, "{member}");'
        for member, offset in members.items()
    ]
    if size is not None:
        lines.append(f'_Static_assert(sizeof({name}) == {size}, "{name}");')
    return lines


def open_files() -> Iterator[str]:
    names = "structsize type fd ref_count flags offset"
    members = dict(zip(names.split(), positions(files._FILE), strict=True))
    members["path"] = files._PATH
    named = {f"kf_{name}": offset for name, offset in members.items()}
    yield from asserted("struct kinfo_file", named)
    sockets = "sock_sendq sock_domain0 sock_type0 sock_protocol0 sa_local sa_peer"
    places = positions(files._SOCKET, files._UNION)
    named = {
        f"kf_un.kf_sock.kf_{name}": offset
        for name, offset in zip(sockets.split(), places, strict=True)
    }
    named["kf_un.kf_sock.kf_sock_recvq"] = files._RECEIVED
    named["kf_un.kf_file.kf_file_size"] = files._SIZE
    named["kf_un.kf_proc.kf_pid"] = files._PID
    yield from asserted("struct kinfo_file", named)


def mapped() -> Iterator[str]:
    names = (
        "structsize type start end offset flags resident private_resident protection "
        "ref_count shadow_count vn_type vn_size"
    )
    members = dict(zip(names.split(), positions(mappings._ENTRY), strict=True))
    members["path"] = mappings._PATH
    named = {f"kve_{name}": offset for name, offset in members.items()}
    yield from asserted("struct kinfo_vmentry", named)


REGISTERS = {
    "x86_64": "r15 r14 r13 r12 r11 r10 r9 r8 rdi rsi rbp rbx rdx rcx rax trapno fs gs "
    "err es ds rip cs rflags rsp ss",
    "x86": "fs es ds edi esi ebp isp ebx edx ecx eax trapno err eip cs eflags esp ss "
    "gs",
}


def threads(target: Target) -> Iterator[str]:
    architecture = architecture_of(target.machine, target.word, "little")
    size = prstatus_size(architecture)
    place = registers_offset(target.word)
    yield from asserted("prstatus_t", {"pr_reg": place}, size)
    record = register_record(architecture)
    assert record is not None
    offsets = [start for start, _ in record.offsets]
    if target.name in REGISTERS:
        names = [f"r_{name}" for name in REGISTERS[target.name].split()]
    else:
        names = [f"x[{number}]" for number in range(30)] + ["lr", "sp", "elr", "spsr"]
    members = dict(zip(names, offsets, strict=True))
    yield from asserted("struct reg", members, record.size)


INCLUDES = [
    "sys/param.h",
    "sys/procfs.h",
    "sys/ptrace.h",
    "sys/user.h",
    "machine/reg.h",
    "stddef.h",
]


@targets
def test_structures_are_where_the_readers_look(target: Target, tmp_path: Path) -> None:
    lines = [f"#include <{name}>" for name in INCLUDES]
    lines += open_files()
    lines += mapped()
    lines += threads(target)
    source = tmp_path / "structures.c"
    source.write_text("\n".join([*lines, ""]))
    zig(target, "-c", source, "-o", tmp_path / "structures.o")


def test_a_wrong_offset_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "structures.c"
    lines = [f"#include <{name}>" for name in INCLUDES]
    lines += asserted("struct kinfo_proc", {"ki_pid": 73})
    source.write_text("\n".join([*lines, ""]))
    with pytest.raises(AssertionError, match="ki_pid"):
        zig(TARGETS[0], "-c", source, "-o", tmp_path / "structures.o")
