"""What a snapshot shows of a variable, as the Python value that a test writes down."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import coresnap
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.analysis.values.limits import ValueLimits
from coresnap.elfcore.corefile import open_core
from coresnap.model import Frame, Variable

__all__ = ["crashed_in", "held", "variables"]


def variables(frames: Iterable[Frame], function: str) -> dict[str, Variable]:
    """The variables of the frame of ``function``."""
    for frame in frames:
        if frame.function and frame.function.rpartition("::")[2] == function:
            return {variable.name: variable for variable in frame.variables}
    raise AssertionError(f"no frame of {function}")


def crashed_in(
    core: Path, function: str, limits: ValueLimits | None = None
) -> dict[str, Variable]:
    """The variables of ``function``, in which the process of ``core`` crashed."""
    if limits is None:
        return variables(coresnap.analyze(core).threads[0].frames, function)
    with open_core(core) as opened, FrameBuilder(opened, limits=limits) as builder:
        stack = Unwinder(opened).unwind(opened.threads[0].registers)
        return variables(builder.frames(stack), function)


def held(variable: Variable) -> Any:  # noqa: ANN401 - whatever the program's value is
    """Texts as str, numbers, containers as lists, maps and structs as dicts.

    What only points to something is that; what has neither is the text about it.
    """
    assert variable.missing is None, variable
    if variable.target is not None:
        return held(variable.target)
    if variable.items:
        return _held(variable.items)
    if variable.described or (variable.text is not None and variable.value is None):
        return variable.text
    if variable.value is not None:
        return variable.value
    return _held(variable.members)


def _held(values: tuple[Variable, ...]) -> Any:  # noqa: ANN401
    names = [value.name for value in values]
    if names == [f"[{index}]" for index in range(len(values))]:
        return [held(value) for value in values]
    if len(set(names)) < len(names):
        return [(value.name, held(value)) for value in values]
    return {value.name: held(value) for value in values}
