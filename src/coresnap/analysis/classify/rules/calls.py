"""Calls of the C library that break its contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coresnap.analysis.callers import first_outside_libraries, is_of_a_runtime
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import PROBABLE, STRONG, Rule
from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier, Frame, Thread, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.classify.contracts import Contract

__all__ = ["RULES"]

_NAME = "call-contract"
_FIRST_PAGE = 4096
_MOST_THREADS = 64
_MOST_FRAMES = 32


class PassedBadMemory(Rule):
    """A memory, string or stream function of the C library failed at an address: such
    functions touch only what their caller passes."""

    names = (_NAME,)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the innermost frame and the fault's address."""
        # Not before: healthy callers need no table.
        if not case.frames or case.signal is None or not is_fault(case.signal.name):
            return
        address, contract = case.fault_address, _of_innermost(case)
        if address is None or contract is None:
            return
        frame = first_outside_libraries(case.frames)
        if contract.pointers("stream"):
            if address < _FIRST_PAGE:
                what = f"called {contract.function} with a null stream"
                yield _broken(case, PROBABLE, what, address, frame)
            return
        kind = case.access.kind if case.access is not None else ""
        through = _through(case.frames, frame, contract.function)
        names = contract.pointers(kind) or contract.pointers("read", "write")
        what = _passed(contract.function, names, kind, address)
        yield _broken(case, STRONG, what + through, address, frame)


class BrokenArguments(Rule):
    """The arguments of a call that is on some thread's stack, as debug information
    tells them, break the function's contract: a range is not mapped, or two that must
    not overlap do."""

    names = (_NAME,)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it frame by frame, where the C library has debug information."""
        for thread in case.threads[:_MOST_THREADS]:
            for index, frame in enumerate(thread.frames[:_MOST_FRAMES]):
                if frame.variables and not _is_entry(frame) and is_of_a_runtime(frame):
                    yield from _of_frame(case, thread, index, frame)


def _of_innermost(case: Case) -> Contract | None:
    """The contract of the function that failed: by its name, or by the name that its
    caller knows, where a stripped library has none."""
    inner = case.frames[0]
    if not is_of_a_runtime(inner):
        return None
    from coresnap.analysis.classify.contracts import contract_of

    if inner.function is not None or len(case.frames) == 1:
        return contract_of(inner.function)
    from coresnap.analysis.call_target import called_name

    return contract_of(called_name(case.core, case.frames[1].pc))


def _is_entry(frame: Frame) -> bool:
    return (frame.function or "").startswith(("__libc_start", "start_thread", "clone"))


def _broken(
    case: Case, sure: str, what: str, address: int, frame: int | None
) -> Classifier:
    inner = case.frames[0].function or "what the call in frame 1 leads to"
    evidence = [f"frame 0 is {inner}", f"fault at {address:#x}"]
    size = case.registers.get("rdx", 0)
    if size >> 63 and case.core.architecture.name == "x86-64":
        evidence.append(f"rdx = {size:#x}: a negative size, if it still holds it")
    where = None if frame is None else case.frames[frame].function
    place = f" in {where}" if where else ""
    return Classifier(
        _NAME, sure, tuple(evidence), case.tid, address, frame, "", what + place
    )


def _passed(function: str, names: Sequence[str], kind: str, address: int) -> str:
    as_what = f" as {names[0]}" if len(names) == 1 else ""
    if address < _FIRST_PAGE:
        return f"passed {function} a null pointer{as_what}"
    verb = {"read": "read", "write": "written"}.get(kind, "used")
    return f"passed {function} memory{as_what} that cannot be {verb}: {address:#x}"


def _through(frames: Sequence[Frame], frame: int | None, function: str) -> str:
    """Which function of the library the program called, if it was another one."""
    if frame is None or frame < 2:
        return ""
    name = (frames[frame - 1].function or "").lstrip("_")
    return f", through {name}" if name and not name.startswith(function) else ""


def _of_frame(
    case: Case, thread: Thread, index: int, frame: Frame
) -> Iterator[Classifier]:
    from coresnap.analysis.classify.contracts import contract_of

    contract = contract_of(frame.function)
    if contract is None:
        return
    arguments = [v for v in frame.variables if v.kind == VariableKind.ARGUMENT]
    values = [
        v.value if isinstance(v.value, int) and v.value >= 0 else None
        for v in arguments[: len(contract.parameters)]
    ]
    for demand in contract.demands:
        numbers = [values[i] if i < len(values) else None for i in demand.parameters]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            continue
        problem = _problem(case, demand.verb, known)
        if problem:
            named = ", ".join(contract.parameters[i] for i in demand.parameters)
            yield Classifier(
                _NAME,
                PROBABLE,
                (f"arguments {named}: {', '.join(f'{n:#x}' for n in known)}", problem),
                thread.tid,
                known[0],
                index,
                "",
                f"called {contract.function} with arguments that break its contract:"
                f" {problem}",
            )


def _problem(case: Case, verb: str, numbers: Sequence[int]) -> str:
    if verb == "stream":
        return "" if numbers[0] else "the stream is null"
    if verb == "apart":
        first, second, size = numbers
        overlap = first != second and abs(first - second) < size
        return "the ranges overlap" if overlap else ""
    start, size = numbers[0], numbers[1] if len(numbers) > 1 else 1
    return _unusable(case, start, size, verb) if size else ""


def _unusable(case: Case, start: int, size: int, verb: str) -> str:
    """What is wrong with a range; empty if all of it can be used, or nobody knows."""
    if size >> 8 * case.core.memory.pointer_size - 1:
        return f"the size is {size:#x}, a negative number"
    address = start
    for _ in range(_MOST_FRAMES):
        mapping = case.core.memory.find_mapping(address)
        if mapping is None:
            return f"nothing is mapped at {address:#x}"
        if mapping.permissions[0 if verb == "read" else 1] == "-":
            return f"{address:#x} is mapped {mapping.permissions}"
        if mapping.end >= start + size:
            break
        address = mapping.end
    return ""


RULES: tuple[Rule, ...] = (PassedBadMemory(), BrokenArguments())
