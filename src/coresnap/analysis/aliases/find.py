"""The step: aliases, the marks on variables, and the blocks that are worth showing."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.aliases.chase import Chase, Found
from coresnap.analysis.aliases.held import NamedWords
from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.aliases.marks import add_marks
from coresnap.analysis.aliases.places import Places
from coresnap.analysis.aliases.regions import LiveRegions
from coresnap.analysis.aliases.targets import Target
from coresnap.analysis.aliases.type_conflicts import type_conflicts
from coresnap.analysis.classify.case import Case
from coresnap.analysis.remarks import annotated_threads, annotated_variables
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Alias, Annotation, Block, Dropped, Thread, Variable

__all__ = ["Aliases", "find_aliases"]

_MOST_BLOCKS = 64
_HEADER = 16
"""Bytes before a block that tell an allocator's view of it."""
_MOST_OF_BLOCK = 4096
_AROUND_POINTER = 64
_C_LIBRARIES = (
    *("libc.", "libc-", "libsys.", "libthr.", "ld-elf", "ld-linux", "ld-musl"),
    *("libjemalloc", "libtcmalloc", "libmimalloc"),
)
_HOLDERS = ("variable", "register", "tls", "global", "stack", "heap")


class Aliases(msgspec.Struct, frozen=True):
    """What was found, and the nouns with marks on them."""

    aliases: tuple[Alias, ...]
    blocks: tuple[Block, ...]
    threads: list[Thread]
    globals: tuple[Variable, ...]
    spans: tuple[tuple[int, int], ...]
    """(address, size) of the memory that they are about."""
    dropped: tuple[Dropped, ...]


def find_aliases(
    case: Case,
    targets: Sequence[Target],
    remarks: dict[int, list[Annotation]],
    globals_: tuple[Variable, ...],
    debug_file: Callable[[LoadedModule], ElfFile | None],
    limits: AliasLimits,
) -> Aliases:
    """Find who holds pointers to ``targets``, disjoint and at least one.

    ``remarks`` are those on variables that there are already. ``debug_file`` gives the
    file that a module's symbols were stripped into.
    """
    core, places = case.core, Places(case, debug_file)
    words = NamedWords(core.architecture, case.threads, case.stacks, globals_)
    operands = case.access.registers if case.access is not None else ()
    chase = Chase(
        core.memory,
        case.heaps,
        places,
        words,
        LiveRegions(core, case.stacks, case.heaps),
        limits,
        frozenset((case.tid, case.failed_frame, name) for name in operands),
    )
    threads = {thread.tid: thread for thread in case.threads}
    found = _with_remarks(chase.run(targets), threads)
    distinct = [one for one in found if not one.again]
    distinct.sort(key=lambda one: _rank(one, case.tid, threads))
    kept = distinct[: limits.kept]
    dropped = list(chase.dropped)
    if len(distinct) > len(kept):
        reason = f"more than {limits.kept}"
        dropped.append(Dropped("aliases", len(distinct) - len(kept), reason))
    add_marks(remarks, found)
    return Aliases(
        tuple(one.alias for one in kept),
        _blocks(targets, kept),
        _annotated(case.threads, found, remarks),
        annotated_variables(globals_, remarks),
        tuple(_spans(targets, kept)),
        tuple(dropped),
    )


def _annotated(
    threads: Sequence[Thread],
    found: Iterable[Found],
    remarks: Mapping[int, Sequence[Annotation]],
) -> list[Thread]:
    """The threads with their remarks; those that have none are not looked through."""
    tids = {one.alias.tid for one in found if one.held is not None}
    return [
        *annotated_threads(threads[:1], remarks),
        *(
            annotated_threads([thread], remarks)[0] if thread.tid in tids else thread
            for thread in threads[1:]
        ),
    ]


def _with_remarks(found: Sequence[Found], threads: Mapping[int, Thread]) -> list[Found]:
    """Say which aliases are stale, and which disagree about the type. Variables of a
    C library that has the block in hand say nothing about the program."""
    own = {id(one) for one in found if not _is_in_c_library(one.alias, threads)}
    conflicts = type_conflicts(
        one.held for one in found if one.alias.level == 1 and id(one) in own
    )
    return [_with_remark(one, conflicts) if id(one) in own else one for one in found]


def _is_in_c_library(alias: Alias, threads: Mapping[int, Thread]) -> bool:
    thread = None if alias.tid is None else threads.get(alias.tid)
    if thread is None or alias.frame is None or alias.holder != "variable":
        return False
    module = posixpath.basename(thread.frames[alias.frame].module or "")
    return module.startswith(_C_LIBRARIES)


def _with_remark(one: Found, conflicts: dict[int, str]) -> Found:
    alias, block = one.alias, one.target.block
    remark = None
    is_free = block is not None and block.state == "free"
    if block is not None and is_free and alias.level == 1 and one.is_live:
        remark = f"stale: the {block.size}-byte block is free"
    conflict = None if one.held is None else conflicts.get(id(one.held))
    if conflict is not None:
        remark = "; ".join(filter(None, (remark, conflict)))
    if remark is None:
        return one
    return msgspec.structs.replace(
        one, alias=msgspec.structs.replace(alias, remark=remark)
    )


def _rank(
    found: Found, crashed: int | None, threads: Mapping[int, Thread]
) -> tuple[int, ...]:
    """Nearest first: few levels, the program, the crashed thread, what has a name."""
    alias = found.alias
    return (
        alias.level,
        _is_in_c_library(alias, threads),
        alias.tid is not None and alias.tid != crashed,
        _HOLDERS.index(alias.holder),
        alias.frame or 0,
        abs(alias.value - found.target.pointer),
    )


def _blocks(targets: Iterable[Target], found: Iterable[Found]) -> tuple[Block, ...]:
    blocks = (*(target.block for target in targets), *(one.block for one in found))
    distinct: dict[int, Block] = {}
    for block in blocks:
        if block is not None:
            distinct.setdefault(block.address, block)
    return tuple(distinct.values())[:_MOST_BLOCKS]


def _spans(
    targets: Iterable[Target], found: Iterable[Found]
) -> Iterator[tuple[int, int]]:
    """(address, size) of what one wants to look at beside the aliases."""
    for target in targets:
        size = min(target.end - target.start, _MOST_OF_BLOCK)
        if target.block is None:
            yield max(0, target.start - _AROUND_POINTER), size + 2 * _AROUND_POINTER
        else:
            yield max(0, target.start - _HEADER), size + _HEADER
    for one in found:
        if one.block is not None:
            size = min(one.block.size, _MOST_OF_BLOCK)
            yield max(0, one.block.address - _HEADER), size + _HEADER
