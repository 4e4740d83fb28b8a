"""Aliases in cores that the kernel wrote, for two allocators, with symbols or not."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import coresnap
from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Alias, Snapshot

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

CompileProgram = Callable[..., Path]
KernelCore = Callable[..., Path]

JEMALLOC = ctypes.util.find_library("jemalloc")
ALLOCATORS = [
    "glibc",
    pytest.param(
        "jemalloc",
        marks=pytest.mark.skipif(JEMALLOC is None, reason="libjemalloc2 is not there"),
    ),
]


@pytest.fixture(scope="module")
def core_of(compile_program: CompileProgram, kernel_core: KernelCore) -> KernelCore:
    """The core of ``aliases``, once for each way to build and run it."""
    known: dict[tuple[str, ...], Path] = {}

    def core_of(level: str, allocator: str, *strip: str) -> Path:
        key = (level, allocator, *strip)
        if key not in known:
            program = compile_program("aliases.c", level, "-g", libraries=["-pthread"])
            if strip:
                stripped = program.with_name("aliases" + "".join(strip))
                subprocess.run(["strip", *strip, "-o", stripped, program], check=True)
                program = stripped
            preload = {"LD_PRELOAD": str(JEMALLOC)} if allocator == "jemalloc" else {}
            known[key] = kernel_core([program], env=preload)
        return known[key]

    return core_of


def names(aliases: tuple[Alias, ...], level: int = 1) -> list[tuple[str, str]]:
    return [(one.holder, one.name) for one in aliases if one.level == level]


def stale(snapshot: Snapshot) -> list[Alias]:
    """Those of the freed node: not those that equal what was loaded from it."""
    return [one for one in snapshot.aliases if one.remark is not None]


@pytest.mark.libdw
@pytest.mark.parametrize("allocator", ALLOCATORS)
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_every_kind_of_place_is_found(
    level: str, allocator: str, core_of: KernelCore
) -> None:
    snapshot = coresnap.analyze(core_of(level, allocator))
    assert [note for note in snapshot.notes if note.step == "aliases"] == []
    crashed, other = snapshot.threads
    found = names(snapshot.aliases)
    assert {
        ("variable", "node"),
        ("variable", "local.inner"),
        ("variable", "owner->held"),
        ("variable", "global_node"),
        ("variable", "file_owner.held"),
        ("tls", "own_node"),
    } <= set(found)
    assert {one.tid for one in snapshot.aliases if one.name == "own_node"} == {
        crashed.tid,
        other.tid,
    }
    elsewhere = [one.name for one in stale(snapshot) if one.tid == other.tid]
    assert "argument" in elsewhere or "mine" in elsewhere
    assert ("register", "rax") not in found
    assert ("variable", "owner") in names(snapshot.aliases, 2)
    assert ("variable", "root") in names(snapshot.aliases, 3)
    assert all(one.level <= 3 for one in snapshot.aliases)


@pytest.mark.libdw
@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_numbers_that_equal_the_pointer_are_not_marked(
    allocator: str, core_of: KernelCore
) -> None:
    snapshot = coresnap.analyze(core_of("-O0", allocator))
    pointers = {one.address for one in snapshot.aliases}
    variables = [
        *(v for t in snapshot.threads for f in t.frames for v in f.variables),
        *snapshot.globals,
    ]
    seen = set()
    for path, variable in variable_paths(variables):
        if path in ("look_alike", "local.number"):
            seen.add(path)
            assert variable.annotations == ()
            assert variable.address not in pointers
    assert seen == {"look_alike", "local.number"}


@pytest.mark.libdw
def test_the_freed_block_is_said_and_its_memory_kept(core_of: KernelCore) -> None:
    snapshot = coresnap.analyze(core_of("-O0", "glibc"))
    block = snapshot.blocks[0]
    assert (block.state, block.size) == ("free", 24)
    assert {one.remark for one in stale(snapshot)} == {
        "stale: the 24-byte block is free"
    }
    assert any(
        one.address <= block.address - 16
        and block.address + block.size <= one.address + len(one.data)
        for one in snapshot.memory
    )
    node = next(v for v in snapshot.threads[0].frames[0].variables if v.name == "node")
    assert [mark.level for mark in node.annotations] == ["warning"]
    assert "points into the freed 24-byte block" in node.annotations[0].message


@pytest.mark.parametrize("allocator", ALLOCATORS)
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_without_symbols_the_words_are_found(
    level: str, allocator: str, core_of: KernelCore
) -> None:
    snapshot = coresnap.analyze(core_of(level, allocator, "-s"))
    crashed, other = snapshot.threads
    found = stale(snapshot)
    assert {one.holder for one in found} == {
        "register",
        "tls",
        "global",
        "stack",
        "heap",
    }
    # global_node, file_owner.held, and look_alike: nothing tells that it is a number.
    assert len([one for one in found if one.name.startswith("aliases-s+0x")]) == 3
    own = [one for one in found if one.name == "aliases-s TLS+0x0"]
    assert {one.tid for one in own} == {crashed.tid, other.tid}
    on_stacks = {one.tid for one in found if one.holder == "stack"}
    assert on_stacks == {crashed.tid, other.tid}
    assert {one.holder for one in snapshot.aliases if one.level == 2} >= {"heap"}
    assert {one.holder for one in snapshot.aliases if one.level == 3} >= {"global"}


def test_with_a_symbol_table_globals_have_their_names(core_of: KernelCore) -> None:
    snapshot = coresnap.analyze(core_of("-O0", "glibc", "-g"))
    found = set(names(snapshot.aliases))
    assert {("global", "global_node"), ("global", "file_owner+8")} <= found
    assert ("tls", "own_node") in found
    assert any("(use)" in one.name for one in snapshot.aliases if one.holder == "stack")


@pytest.mark.libdw
def test_none_are_looked_for_where_none_are_wanted(core_of: KernelCore) -> None:
    snapshot = coresnap.analyze(core_of("-O0", "glibc"), aliases=0)
    assert snapshot.aliases == ()
    assert coresnap.analyze(core_of("-O0", "glibc"), aliases=1).aliases
    small = coresnap.analyze(core_of("-O0", "glibc"), alias_memory=4096)
    assert [one.what for one in small.dropped] == ["memory"] * 3


@pytest.mark.libdw
def test_a_cut_core_gives_what_is_there(core_of: KernelCore, tmp_path: Path) -> None:
    whole = core_of("-O0", "glibc")
    for share in (95, 60, 30, 5):
        part = tmp_path / f"core.{share}"
        shutil.copy(whole, part)
        with part.open("r+b") as stream:
            stream.truncate(whole.stat().st_size * share // 100)
        snapshot = coresnap.analyze(part)
        assert [note for note in snapshot.notes if note.step == "aliases"] == []
        assert [note for note in snapshot.notes if "Error" in note.message] == []
        if share >= 60:  # the heap is there, the stacks are not
            found = {name for _, name in names(snapshot.aliases)}
            assert "global_node->next" in found


@pytest.mark.libdw
@pytest.mark.parametrize("level", ["-O0", "-O1"])
def test_views_of_one_object_agree(
    level: str, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("alias_types.cc", level, "-g")
    snapshot = coresnap.analyze(kernel_core([program, "agree"]))
    held = {one.name for one in snapshot.aliases}
    assert {"kept_base", "kept_void", "kept_bytes"} <= held
    assert [one.remark for one in snapshot.aliases if one.remark] == []


@pytest.mark.libdw
def test_two_structures_in_one_object_are_told(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("alias_types.cc", "-O0", "-g")
    snapshot = coresnap.analyze(kernel_core([program, "disagree"]))
    remarks = {one.name: one.remark for one in snapshot.aliases if one.remark}
    assert remarks["account"] == "type conflict: Account here, Session in session"
    assert remarks["session"] == "type conflict: Session here, Account in account"
    assert snapshot.blocks[0].state == "live"


@pytest.mark.libdw
def test_who_holds_what_was_freed_twice(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    flags = ("-O0", "-g", "-Wno-use-after-free")
    program = compile_program("freed_twice.c", *flags)
    snapshot = coresnap.analyze(kernel_core([program]))
    assert snapshot.blocks[0].state == "free"
    remarks = {
        one.name: one.remark
        for one in snapshot.aliases
        if one.level == 1 and one.holder == "variable"
    }
    # In the frames of free() the C library itself has the block in hand.
    expected = {"cache", "holder->item", "item"}
    assert {name for name, remark in remarks.items() if remark} == expected
    assert set(remarks.values()) - {None} == {"stale: the 24-byte block is free"}
    assert ("variable", "holder") in names(snapshot.aliases, 2)
