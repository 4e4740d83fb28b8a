"""What checkers that run within the program found: allocators and sanitizers."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, STRONG, Rule
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES"]

_DIGITS = 16
_COMPLAINTS: tuple[tuple[str, str, str], ...] = (
    ("double free", "double-free", "freed a block twice"),
    ("double-free", "double-free", "freed a block twice"),
    ("not currently active", "double-free", "freed a block twice"),
    ("Write-after-free", "use-after-free", "wrote to freed memory"),
    ("size mismatch", "invalid-free", "freed a block with a size that is not its own"),
    ("invalid pointer", "invalid-free", "freed a pointer that malloc did not return"),
    ("unaligned pointer", "invalid-free", "freed a pointer that malloc did not return"),
    ("mismatch in slab bit", "invalid-free", "freed a block with a size not its own"),
    ("corrupted", "heap.corrupt", "damaged its heap"),
    ("Memory corruption detected", "heap.corrupt", "damaged its heap"),
    ("buffer overflow", "heap.overflow", "wrote past the end of a block"),
)
"""Words of jemalloc 5, gperftools and mimalloc 2; the conclusion; in plain words."""
_BUGS: dict[str, tuple[str, str]] = {
    "heap-use-after-free": ("use-after-free", "used freed memory"),
    "use-after-poison": ("use-after-free", "used memory that was declared unusable"),
    "double-free": ("double-free", "freed a block twice"),
    "free": ("invalid-free", "freed a pointer that malloc did not return"),
    "bad-free": ("invalid-free", "freed a pointer that malloc did not return"),
    "alloc-dealloc-mismatch": ("invalid-free", "freed a block in the wrong way"),
    "heap-buffer-overflow": ("heap.overflow", "used memory past a heap block's end"),
    "stack-buffer-overflow": ("stack-smash", "used memory past a local array's end"),
    "stack-buffer-underflow": ("stack-smash", "used memory before a local array"),
    "dynamic-stack-buffer-overflow": ("stack-smash", "used memory past an array's end"),
    "global-buffer-overflow": ("overflow", "used memory past a global array's end"),
    "stack-use-after-return": ("use-after-return", "used a function's locals after it"),
    "stack-use-after-scope": ("use-after-return", "used a local outside of its scope"),
    "stack-overflow": ("stack-overflow", "ran out of stack"),
    "use-of-uninitialized-value": ("uninitialised", "used a value that was never set"),
    "data race": ("data-race", "used memory in two threads at once"),
    "out-of-memory": ("oom", "could not allocate memory"),
    "allocation-size-too-big": ("oom", "asked for more memory than there can be"),
}
"""Names of bugs in compiler-rt's reports; what they conclude; in plain words."""


class AllocatorComplaint(Rule):
    """jemalloc, tcmalloc or mimalloc aborted, and its text is on the stack."""

    names = (
        "double-free",
        "invalid-free",
        "heap.corrupt",
        "heap.overflow",
        "use-after-free",
    )
    confidence = (CERTAIN,)
    replaces = ("fatal",)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude from the allocator's words."""
        for message in case.messages:
            if message.kind != "allocator":
                continue
            reason = message.parts["reason"]
            for words, name, summary in _COMPLAINTS:
                if words in reason:
                    yield _concluded(name, CERTAIN, case, message, summary)
                    break


class SanitizerReport(Rule):
    """AddressSanitizer or one of its kin stopped the program: its report, which is in
    memory, says why."""

    names = (
        "use-after-free",
        "double-free",
        "invalid-free",
        "heap.overflow",
        "stack-smash",
        "overflow",
        "use-after-return",
        "stack-overflow",
        "uninitialised",
        "data-race",
        "oom",
        "undefined",
    )
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude from the tool's name for the bug."""
        for message in case.messages:
            if message.kind != "sanitizer":
                continue
            bug = message.parts["bug"]
            if message.parts["tool"].startswith("Undefined"):
                yield _concluded(
                    "undefined", STRONG, case, message, f"did what C leaves open: {bug}"
                )
            elif bug in _BUGS:
                name, summary = _BUGS[bug]
                yield _concluded(name, STRONG, case, message, summary)


def _concluded(
    name: str, sure: str, case: Case, message: Message, summary: str
) -> Classifier:
    parts = message.parts
    said = parts.get("pointer", parts.get("address", ""))
    digits = said.removeprefix("0x")
    address = int(digits, 16) if 0 < len(digits) <= _DIGITS else None
    access = f" ({parts['access']})" if "access" in parts else ""
    at = f" at {said}" if said else ""
    frame = first_outside_libraries(case.frames)
    function = None if frame is None else case.frames[frame].function
    place = f" in {function}" if function else ""
    evidence = [f"report at {message.address:#x}: {message.text}"]
    if "summary" in parts:
        evidence.append(parts["summary"])
    return Classifier(
        name,
        sure,
        tuple(evidence),
        message.tid,
        address,
        frame,
        "",
        f"{summary}{access}{at}{place}",
    )


RULES: tuple[Rule, ...] = (AllocatorComplaint(), SanitizerReport())
