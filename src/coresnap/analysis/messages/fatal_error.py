"""Fatal errors of CPython, by the arguments of the functions that end it."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.messages.call_arguments import constant_arguments
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable
from coresnap.model import Frame

__all__ = ["find_fatal_error"]

_SEARCHED = 64
_LONGEST = 1 << 12
_FUNCTIONS = {
    "_Py_FatalErrorFunc": ("Python", "msg", 1),
    "_Py_FatalErrorFormat": ("Python", "format", 1),
    "Py_FatalError": ("Python", "msg", 0),
    "_Py_FatalError_TstateNULL": ("Python", "func", None),
}
"""Function to its language, the argument that says why, and the argument's index."""


def find_fatal_error(process: DeadProcess) -> Iterator[Message]:
    """Yield the outermost of them on the crashed thread's stack.

    ``parts``: ``language``, ``function``, ``frame`` (index of its caller), and ``what``
    where the argument could be read.
    """
    frames = process.frames[:_SEARCHED]
    found = [i for i, frame in enumerate(frames) if frame.function in _FUNCTIONS]
    if not found:
        return
    index = found[-1]
    frame = frames[index]
    language, argument, position = _FUNCTIONS[frame.function or ""]
    what = _variable(frame, argument)
    if what is None and position is not None and index + 1 < len(frames):
        what = _constant(process, frames[index + 1].pc, position)
    outside = first_outside_libraries(frames[index + 1 :])
    parts = {
        "language": language,
        "function": frame.function or "",
        "what": what or "",
        "frame": "" if outside is None else str(index + 1 + outside),
    }
    yield Message(
        "panic",
        what or f"{frame.function} was called",
        0,
        "the run-time's function",
        process.tid,
        {name: value for name, value in parts.items() if value},
    )


def _variable(frame: Frame, name: str) -> str | None:
    for variable in frame.variables:
        if variable.name == name:
            target = variable.target
            return variable.text or (None if target is None else target.text)
    return None


def _constant(process: DeadProcess, return_address: int, position: int) -> str | None:
    architecture = process.core.architecture.name
    arguments = constant_arguments(process.memory, architecture, return_address)
    address = arguments.get(position)
    text = None if address is None else process.text(address, _LONGEST)
    return readable(text) if text and is_text(text) else None
