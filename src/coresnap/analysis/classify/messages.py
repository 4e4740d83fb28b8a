"""What the C library said before it gave up."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_pointer import freed_pointer
from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, STRONG, Rule
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES"]

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
_SEARCHED = 32
"""Frames in which libc's checking functions are looked for."""
_FORTIFIED = (
    "buffer overflow detected",
    "bit out of range 0 - FD_SETSIZE on fd_set",
    "invalid %N$ use detected",
    "%n in writable segment",
    "longjmp causes uninitialized stack frame",
)
_STACK = "stack smashing detected"


class AssertionFailed(Rule):
    """assert(3), or what stands for it, left its text: the expression that was false,
    with file, line and function as far as the text has them."""

    names = ("assert",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the expression in a message."""
        for message in case.messages:
            expression = message.parts.get("expression")
            if expression is None or _is_of_malloc(message):
                continue
            summary = f"failed the assertion '{expression}'{_place(message)}"
            yield _said("assert", case, message, summary)


class StackSmashed(Rule):
    """libc found the canary of a function overwritten (``stack smashing detected``):
    something wrote past the end of one of its local arrays."""

    names = ("stack-smash", "security")
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message, or from ``__stack_chk_fail`` on the stack."""
        frame = _caller_of(case, "__stack_chk_fail", "__stack_chk_fail_local")
        function = _function_at(case, frame)
        where = f" of {function}()" if function else ""
        summary = f"overran a local array{where}: its stack canary was overwritten"
        for message in _with_reason(case, _STACK):
            yield _said("stack-smash", case, message, summary, frame=frame)
            yield _said("security", case, message, frame=frame)
            return
        if frame is not None:
            evidence = ("__stack_chk_fail is on the stack",)
            yield Classifier(
                "stack-smash", STRONG, evidence, case.tid, None, frame, "", summary
            )
            yield Classifier("security", STRONG, evidence, case.tid, None, frame)


class FortifyFailed(Rule):
    """A checked function of libc (``_FORTIFY_SOURCE``) was asked to write past the end
    of an object, or to do something else that only attackers and bugs do."""

    names = ("fortify", "security")
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message, or from ``__chk_fail`` on the stack."""
        checked = _checked_function(case)
        by = f" by {checked}" if checked else ""
        for message in _with_reason(case, *_FORTIFIED):
            words = message.parts["reason"].partition(" ***")[0]
            yield _said("fortify", case, message, f"was stopped{by}: {words}")
            yield _said("security", case, message)
            return
        if _caller_of(case, "__chk_fail", "__fortify_chk_fail") is not None:
            evidence = ("__chk_fail is on the stack",)
            frame = first_outside_libraries(case.frames)
            summary = f"was stopped{by}: it would have written past an object's end"
            yield Classifier(
                "fortify", STRONG, evidence, case.tid, None, frame, "", summary
            )
            yield Classifier("security", STRONG, evidence, case.tid, None, frame)


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
    """glibc's free or realloc got a pointer that malloc never returned."""

    names = ("invalid-free",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message."""
        for message in _with_exact_reason(case, _INVALID_FREE):
            called = message.parts["reason"].partition("():")[0]
            verb = "reallocated" if called in ("realloc", "mremap_chunk") else "freed"
            summary = f"{verb} a pointer that malloc did not return"
            yield _about_pointer("invalid-free", case, message, summary)


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
            said = reason.startswith(_HEAP_WORDS) and reason not in known
            if message.kind == "abort" and (said or _is_of_malloc(message)):
                words = reason or message.parts["expression"]
                summary = f"damaged its heap: malloc says '{words}'"
                yield _said("heap.corrupt", case, message, summary)


class FatalError(Rule):
    """The C library, or another library, gave up for a reason of its own."""

    names = ("fatal",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from messages that no other rule explains."""
        explained = _DOUBLE_FREE | _UNDECIDED | _INVALID_FREE
        starts = (*_HEAP_WORDS, *_FORTIFIED, _STACK)
        for message in case.messages:
            reason = message.parts.get("reason")
            if reason is None or reason in explained or reason.startswith(starts):
                continue
            yield _said("fatal", case, message, f"gave up: {reason}")


def _with_reason(case: Case, *starts: str) -> Iterator[Message]:
    for message in case.messages:
        if message.parts.get("reason", "").startswith(starts):
            yield message


def _with_exact_reason(case: Case, reasons: frozenset[str]) -> Iterator[Message]:
    for message in case.messages:
        if message.kind == "abort" and message.parts.get("reason") in reasons:
            yield message


def _is_of_malloc(message: Message) -> bool:
    parts = message.parts
    file = parts.get("file", "").rpartition("/")[2]
    return file in _MALLOC_FILES and parts.get("function", "").startswith(
        _MALLOC_FUNCTIONS
    )


def _place(message: Message) -> str:
    parts = message.parts
    function, file, line = (parts.get(n) for n in ("function", "file", "line"))
    words = f" in {function}" if function else ""
    if file:
        words += f" at {file}:{line}" if line else f" in {file}"
    return words


def _said(
    name: str,
    case: Case,
    message: Message,
    summary: str = "",
    *,
    address: int | None = None,
    frame: int | None = None,
    confidence: str | None = None,
    more: tuple[str, ...] = (),
) -> Classifier:
    """A conclusion from a message: certain, unless several claim to be the one."""
    same = sum(other.kind == message.kind for other in case.messages)
    if confidence is None:
        confidence = CERTAIN if same == 1 or message.found_by == "symbol" else STRONG
    if frame is None:
        frame = first_outside_libraries(case.frames)
    evidence = f"message at {message.address:#x}, by {message.found_by}: {message.text}"
    return Classifier(
        name, confidence, (evidence, *more), message.tid, address, frame, "", summary
    )


def _about_pointer(
    name: str,
    case: Case,
    message: Message,
    summary: str,
    confidence: str | None = None,
) -> Classifier:
    pointer = freed_pointer(case, message)
    if pointer is None:
        return _said(name, case, message, summary, confidence=confidence)
    return _said(
        name,
        case,
        message,
        f"{summary}: {pointer:#x}" if summary else "",
        address=pointer,
        confidence=confidence,
        more=(f"pointer given to free: {pointer:#x}",),
    )


def _freed_before(case: Case, message: Message) -> bool | None:
    """Whether the pointer given to free waits in a free list; None if unknown."""
    pointer = freed_pointer(case, message)
    placed = (
        None if pointer is None or case.heaps is None else case.heaps.place(pointer)
    )
    if placed is None:
        return None
    if placed.block.state == "top" or placed.block.free_list is not None:
        return True
    return False if placed.block.state == "live" else None


def _caller_of(case: Case, *functions: str) -> int | None:
    for index, frame in enumerate(case.frames[:_SEARCHED]):
        if frame.function in functions:
            return index + 1 if index + 1 < len(case.frames) else None
    return None


def _function_at(case: Case, frame: int | None) -> str | None:
    return None if frame is None else case.frames[frame].function


def _checked_function(case: Case) -> str | None:
    for frame in case.frames[:_SEARCHED]:
        name = (frame.function or "").removeprefix("__GI_")
        if name.endswith("_chk") and name.startswith("__"):
            return name[2:-4]
    return None


RULES: tuple[Rule, ...] = (
    AssertionFailed(),
    StackSmashed(),
    FortifyFailed(),
    DoubleFree(),
    DoubleFreeOrCorruption(),
    InvalidFree(),
    HeapCorrupt(),
    FatalError(),
)
