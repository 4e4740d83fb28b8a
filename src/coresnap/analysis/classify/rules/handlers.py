"""Signal handlers: what they must not call, and where they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coresnap.analysis.callers import is_of_a_runtime
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, PROBABLE, Rule
from coresnap.model import Classifier, Frame

__all__ = ["RULES"]

_NAME = "call-contract"
_MOST_THREADS = 64
_MOST_FRAMES = 32
_RAISING = (
    *("__pthread_kill", "gsignal", "kill", "raise", "runtime.raise", "tgkill"),
    *("__raise", "__sys_kill", "__sys_thr_kill", "thr_kill"),
)
_MOST_SIGNALS = 256
"""Frames in which signals are counted."""
_UNSAFE = frozenset(
    {
        "calloc",
        "exit",
        "fclose",
        "fopen",
        "fprintf",
        "free",
        "malloc",
        "printf",
        "puts",
        "realloc",
        "syslog",
        "vfprintf",
    }
)
"""Not in POSIX's list of async-signal-safe functions (signal-safety(7)), and apt to
crash or hang when they interrupt each other."""
_ALLOCATING = frozenset({"calloc", "free", "malloc", "realloc"})


class UnsafeInHandler(Rule):
    """A signal handler called a function that it must not: malloc, free, printf and
    their kin may be in the middle of something when a signal interrupts them."""

    names = (_NAME,)
    confidence = (PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the functions on both sides of the signal's frame."""
        for thread in case.threads[:_MOST_THREADS]:
            border = _signal_frame(thread.frames)
            if border is None:
                continue
            called = _unsafe(thread.frames[:border])
            if called is None:
                continue
            interrupted = _unsafe(thread.frames[border + 1 : border + 1 + 8])
            both = {called[1], interrupted[1]} if interrupted else {called[1]}
            clash = interrupted is not None and (both <= _ALLOCATING or len(both) == 1)
            meanwhile = f", having interrupted {interrupted[1]}" if interrupted else ""
            yield Classifier(
                _NAME,
                PROBABLE if clash else HINT,
                (
                    f"frame {called[0]} is {called[1]}",
                    f"frame {border} was made by the kernel to deliver a signal",
                    *((f"interrupted: {interrupted[1]}",) if interrupted else ()),
                ),
                thread.tid,
                None,
                called[0],
                "",
                f"called {called[1]} in a signal handler{meanwhile}",
            )


class CrashedInHandler(Rule):
    """The crashed thread was in a signal handler: what the signal interrupted may be
    what went wrong first."""

    names = ("signal.handler",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the frame that the kernel made to deliver the signal."""
        border = _signal_frame(case.frames)
        if border is None or border + 1 >= len(case.frames) or not _failed(case):
            return
        interrupted = case.frames[border + 1]
        name = interrupted.function or f"{interrupted.pc:#x}"
        if name.startswith(_RAISING):
            return  # it sent the signal to itself
        yield Classifier(
            "signal.handler",
            HINT,
            (f"frame {border} was made by the kernel to deliver a signal",),
            case.tid,
            None,
            border + 1,
            "",
            f"was in a signal handler, which had interrupted {name}",
        )


class HandlerRecursion(Rule):
    """The same signal handler is on the stack more than once: it was interrupted by
    what it handles, or failed itself."""

    names = ("signal.recursion",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the functions that the kernel called."""
        handlers: dict[str, list[int]] = {}
        frames = case.frames[:_MOST_SIGNALS]
        for index, frame in enumerate(frames):
            name = frames[index - 1].function if index and frame.signal_frame else None
            if name is not None:
                handlers.setdefault(name, []).append(index)
        for name, borders in handlers.items():
            if len(borders) > 1:
                yield Classifier(
                    "signal.recursion",
                    PROBABLE,
                    (f"frames that deliver a signal to it: {borders[:8]}",),
                    case.tid,
                    None,
                    borders[-1] - 1,
                    "",
                    f"took a signal in its own handler {name}, {len(borders)} deep",
                )


def _failed(case: Case) -> bool:
    """Whether the process ended by itself, not by somebody's signal."""
    signal = case.signal
    return signal is not None and signal.sender_pid in (None, case.core.process.pid)


def _signal_frame(frames: Sequence[Frame]) -> int | None:
    for index, frame in enumerate(frames[:_MOST_FRAMES]):
        if frame.signal_frame:
            return index
    return None


def _unsafe(frames: Sequence[Frame]) -> tuple[int, str] | None:
    """Index and name of the outermost function that is not safe."""
    for index, frame in reversed(list(enumerate(frames))):
        name = (frame.function or "").lstrip("_")
        for prefix in ("GI_", "libc_", "int_", "IO_"):
            name = name.removeprefix(prefix).lstrip("_")
        if name in _UNSAFE and is_of_a_runtime(frame):
            return index, name
    return None


RULES: tuple[Rule, ...] = (UnsafeInHandler(), CrashedInHandler(), HandlerRecursion())
