"""What a snapshot shows of a variable, as the Python value that a test writes down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coresnap
from coresnap.model import Snapshot, Variable

__all__ = ["crashed_in", "held", "variables"]


def variables(snapshot: Snapshot, function: str) -> dict[str, Variable]:
    """The variables of the crashed thread's frame of ``function``."""
    for frame in snapshot.threads[0].frames:
        if frame.function and frame.function.rpartition("::")[2] == function:
            return {variable.name: variable for variable in frame.variables}
    raise AssertionError(f"no frame of {function}")


def crashed_in(core: Path, function: str) -> dict[str, Variable]:
    """The variables of ``function``, in which the process of ``core`` crashed."""
    return variables(coresnap.analyze(core), function)


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
