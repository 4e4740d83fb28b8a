"""What glibc's malloc said before it gave up: which call, and what it found."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_pointer import (
    freed_pointer,
    has_plain_header,
    header_size,
)
from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.said import said
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES", "is_of_malloc"]

_DOUBLE_FREE = frozenset(
    {
        "double free or corruption (fasttop)",
        "free(): double free detected in tcache 2",
        "free(): double free detected in tcache",
    }
)
_UNDECIDED = frozenset(
    f"double free or corruption ({where})" for where in ("top", "out", "!prev")
)
_INVALID_FREE = frozenset(
    {
        "free(): invalid pointer",
        "free(): invalid size",
        "mremap_chunk(): invalid pointer",
        "munmap_chunk(): invalid pointer",
        "realloc(): invalid pointer",
    }
)
_HEAP_WORDS = (
    "break adjusted to free malloc space",
    "corrupted double-linked list",
    "corrupted size vs. prev_size",
    "free(): ",
    "invalid fastbin entry",
    "invalid next size",
    "malloc(): ",
    "malloc_check_get_size: memory corruption",
    "malloc_consolidate(): ",
    "memalign(): ",
    "realloc(): ",
    "tcache_thread_shutdown(): ",
)
"""How the malloc messages of glibc 2.23 to 2.42 begin that are in no list above."""
_MALLOC_FILES = frozenset({"malloc.c", "arena.c", "hooks.c"})
_MALLOC_FUNCTIONS = (
    "sysmalloc",
    "systrim",
    "_int_",
    "__libc_",
    "heap_",
    "sysmalloc_mmap",
    "tcache_",
    "arena_",
    "mremap_chunk",
    "munmap_chunk",
    "unlink_chunk",
)


class DoubleFree(Rule):
    """glibc's free found its block in one of the lists of free blocks."""

    names = ("double-free",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the messages that say nothing else."""
        for message in _with_exact_reason(case, _DOUBLE_FREE):
            yield _about_pointer("double-free", case, message, "freed a block twice")


class DoubleFreeOrCorruption(Rule):
    """glibc's free found its block free, by a header that an overrun of the block
    before it changes, too; whether it waits in a free list decides."""

    names = ("double-free", "heap.corrupt")
    confidence = (CERTAIN, STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude one of the two where the heap tells, else both as probable."""
        for message in _with_exact_reason(case, _UNDECIDED):
            twice = "freed a block twice"
            harmed = "freed a block whose header was overwritten"
            match _freed_before(case, message):
                case True:
                    yield _about_pointer("double-free", case, message, twice)
                case False:
                    yield _about_pointer(
                        "heap.corrupt", case, message, harmed, confidence=STRONG
                    )
                case None:
                    for name, summary in (
                        ("double-free", f"{twice}, or {harmed}"),
                        ("heap.corrupt", ""),
                    ):
                        yield _about_pointer(
                            name, case, message, summary, confidence=PROBABLE
                        )


class InvalidFree(Rule):
    """glibc's free or realloc got a pointer that malloc never returned, or one whose
    header was overwritten: the heap tells which, where it can be read."""

    names = ("invalid-free", "heap.corrupt")
    confidence = (CERTAIN, STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message, and less where headers were overwritten."""
        for message in _with_exact_reason(case, _INVALID_FREE):
            called = message.parts["reason"].partition("():")[0]
            verb = "reallocated" if called in ("realloc", "mremap_chunk") else "freed"
            never = f"{verb} a pointer that malloc did not return"
            harmed = f"{verb} a block whose header was overwritten"
            match _is_overwritten(case, message):
                case False:
                    yield _about_pointer("invalid-free", case, message, never)
                case True:
                    yield _about_pointer(
                        "heap.corrupt", case, message, harmed, confidence=STRONG
                    )
                case None:
                    yield _about_pointer(
                        "invalid-free",
                        case,
                        message,
                        f"{never}, or {harmed}",
                        confidence=PROBABLE,
                    )


class HeapCorrupt(Rule):
    """glibc's malloc found its own data contradicting itself: something wrote past the
    end of a block, or to a block that was free."""

    names = ("heap.corrupt",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from malloc's messages and from assertions of its own."""
        known = _DOUBLE_FREE | _UNDECIDED | _INVALID_FREE
        for message in case.messages:
            reason = message.parts.get("reason", "")
            if is_of_malloc(message) and reason not in known:
                words = reason or message.parts["expression"]
                summary = f"damaged its heap: malloc says '{words}'"
                yield said("heap.corrupt", case, message, summary)


def is_of_malloc(message: Message) -> bool:
    """Whether malloc said it, by a message or by an assertion of its own."""
    reason = message.parts.get("reason", "")
    known = _DOUBLE_FREE | _UNDECIDED | _INVALID_FREE
    if message.kind == "abort" and (reason in known or reason.startswith(_HEAP_WORDS)):
        return True
    return _is_assertion_of_malloc(message)


def _is_assertion_of_malloc(message: Message) -> bool:
    parts = message.parts
    file = parts.get("file", "").rpartition("/")[2]
    return file in _MALLOC_FILES and parts.get("function", "").startswith(
        _MALLOC_FUNCTIONS
    )


def _with_exact_reason(case: Case, reasons: frozenset[str]) -> Iterator[Message]:
    for message in case.messages:
        if message.kind == "abort" and message.parts.get("reason") in reasons:
            yield message


def _about_pointer(
    name: str,
    case: Case,
    message: Message,
    summary: str,
    confidence: str | None = None,
) -> Classifier:
    pointer = freed_pointer(case, message)
    if pointer is None:
        return said(name, case, message, summary, confidence=confidence)
    return said(
        name,
        case,
        message,
        f"{summary}: {pointer:#x}" if summary else "",
        address=pointer,
        confidence=confidence,
        more=(f"pointer given to free: {pointer:#x}",),
    )


def _is_overwritten(case: Case, message: Message) -> bool | None:
    """Whether the block's own header is damaged; None if another one is, and nobody
    knows the pointer."""
    reports = () if case.heaps is None else case.heaps.reports()
    headers = [d.address for r in reports for d in r.damage if d.kind == "header"]
    pointer = freed_pointer(case, message)
    if pointer is None:
        return None if headers else False
    return any(0 < pointer - address <= header_size(case) for address in headers)


def _freed_before(case: Case, message: Message) -> bool | None:
    """Whether the pointer given to free waits in a free list; None if unknown."""
    pointer = freed_pointer(case, message)
    if pointer is None:
        return None
    if has_plain_header(case, pointer) is False:
        return False
    placed = None if case.heaps is None else case.heaps.place(pointer)
    if placed is None:
        return None
    if placed.block.state == "top" or placed.block.free_list is not None:
        return True
    return False if placed.block.state == "live" else None


RULES: tuple[Rule, ...] = (
    DoubleFree(),
    DoubleFreeOrCorruption(),
    InvalidFree(),
    HeapCorrupt(),
)
