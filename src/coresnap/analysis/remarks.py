"""Puts annotations on the variables, frames and threads that they belong to.

Nouns are frozen, so what holds an annotated one is made again; everything else is
shared with what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from coresnap.model import Annotation, Frame, Thread, Variable

__all__ = ["Remarks", "annotated_frames", "annotated_threads", "annotated_variables"]

Remarks = Mapping[int, Sequence[Annotation]]
"""``id()`` of a variable, frame or thread to its annotations. Whoever makes one keeps
the nouns alive until it is applied."""

_Owner = TypeVar("_Owner", Variable, Frame, Thread)
_DEPTH_MAX = 200
"""Levels of nested variables: analysis makes far fewer, a forged snapshot may not."""


def annotated_threads(threads: Sequence[Thread], remarks: Remarks) -> list[Thread]:
    """Return the threads with the remarks on them and on all that is in them."""
    return [_thread(thread, remarks, _frame) for thread in threads]


def annotated_frames(threads: Sequence[Thread], remarks: Remarks) -> list[Thread]:
    """Return the threads with the remarks on them and their frames alone: of thousands
    of frames nobody wants to look at the variables for that."""
    return [_thread(thread, remarks, _with_own) for thread in threads]


def annotated_variables(
    variables: Sequence[Variable], remarks: Remarks
) -> tuple[Variable, ...]:
    """Return the variables with the remarks on them and on all that is in them."""
    return _variables(tuple(variables), remarks, _DEPTH_MAX)


def _thread(
    thread: Thread, remarks: Remarks, annotated: Callable[[Frame, Remarks], Frame]
) -> Thread:
    frames = tuple(annotated(frame, remarks) for frame in thread.frames)
    own = _with_own(thread, remarks)
    if all(new is old for new, old in zip(frames, thread.frames, strict=True)):
        return own
    return msgspec.structs.replace(own, frames=frames)


def _frame(frame: Frame, remarks: Remarks) -> Frame:
    variables = _variables(frame.variables, remarks, _DEPTH_MAX)
    own = _with_own(frame, remarks)
    if variables is frame.variables:
        return own
    return msgspec.structs.replace(own, variables=variables)


def _variables(
    variables: tuple[Variable, ...], remarks: Remarks, depth: int
) -> tuple[Variable, ...]:
    """The same tuple where there is nothing to say."""
    made = tuple(_variable(one, remarks, depth) for one in variables)
    if all(new is old for new, old in zip(made, variables, strict=True)):
        return variables
    return made


def _variable(variable: Variable, remarks: Remarks, depth: int) -> Variable:
    own = _with_own(variable, remarks)
    if depth <= 0:
        return own
    members = _variables(variable.members, remarks, depth - 1)
    items = _variables(variable.items, remarks, depth - 1)
    target = variable.target
    if target is not None:
        target = _variable(target, remarks, depth - 1)
    if (
        members is variable.members
        and items is variable.items
        and target is variable.target
    ):
        return own
    return msgspec.structs.replace(own, members=members, items=items, target=target)


def _with_own(owner: _Owner, remarks: Remarks) -> _Owner:
    added: Sequence[Annotation] = remarks.get(id(owner), ())
    if not added:
        return owner
    return msgspec.structs.replace(owner, annotations=(*owner.annotations, *added))
