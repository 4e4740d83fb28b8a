"""A snapshot as JSON: the shape that scripts may rely on.

Keys are only ever added. Numbers are numbers and addresses are integers; a consumer
whose integers end at 2**53 (JavaScript, jq 1.6) must take care with addresses.
``null`` means "not known". Memory ranges are described, their bytes stay in the
snapshot; assets are listed by name and size, and what they say of the process is taken
apart in ``process``.
"""

from __future__ import annotations

import enum
import math
from typing import Any

import msgspec

from coresnap.model import Frame, Snapshot, Thread, Variable
from coresnap.snapshot.escape import without_surrogates
from coresnap.snapshot.process_context import process_context

__all__ = ["to_bytes", "to_json"]

_OPTIONAL = (
    "text",
    "address",
    "location",
    "missing",
    "truncated",
    "dynamic_type",
    "described",
)
# Python allows 1000 calls on the stack; analysis nests far less, a forger may not.
_DEPTH_MAX = 100
_BULK = frozenset({"threads", "globals", "memory", "assets"})


def to_bytes(snapshot: Snapshot) -> bytes:
    """Return ``to_json(snapshot)`` as indented UTF-8 JSON with a newline at the end."""
    form = to_json(snapshot)
    try:
        data = msgspec.json.encode(form)
    except UnicodeEncodeError:
        data = msgspec.json.encode(without_surrogates(form))
    return msgspec.json.format(data, indent=2) + b"\n"


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return ``snapshot`` as dicts, lists, strings and numbers (``docs/formats.md``).

    Every field of the model keeps its name. Variables leave out what is empty, but
    always have name, type, value and kind.
    """
    return {
        "threads": [_thread(thread) for thread in snapshot.threads],
        "globals": [_variable(variable) for variable in snapshot.globals],
        "memory": [
            {"address": kept.address, "size": len(kept.data)}
            for kept in snapshot.memory
        ],
        "assets": {name: len(data) for name, data in snapshot.assets.items()},
        "process": _fields(process_context(snapshot.assets)),
        **{
            field.name: _plain(getattr(snapshot, field.name))
            for field in msgspec.structs.fields(Snapshot)
            if field.name not in _BULK
        },
    }


def _thread(thread: Thread) -> dict[str, Any]:
    form = _fields(thread, without=("frames",))
    # A thousand threads at one place would be a thousand copies.
    frames = () if thread.like is not None else thread.frames
    form["frames"] = [_frame(frame) for frame in frames]
    return form


def _frame(frame: Frame) -> dict[str, Any]:
    form = _fields(frame, without=("variables",))
    form["variables"] = [_variable(variable) for variable in frame.variables]
    return form


def _variable(variable: Variable, depth: int = _DEPTH_MAX) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": variable.name,
        "type": variable.type,
        "value": _number(variable.value),
        "kind": variable.kind.value,
    }
    for name in _OPTIONAL:
        value = getattr(variable, name)
        if value is not None and value is not False:
            form[name] = value
    if variable.annotations:
        form["annotations"] = _plain(variable.annotations)
    nested = {"members": variable.members, "items": variable.items}
    if depth <= 0 and (any(nested.values()) or variable.target):
        form["truncated"] = True
        return form
    for name, variables in nested.items():
        if variables:
            form[name] = [_variable(one, depth - 1) for one in variables]
    if variable.target is not None:
        form["target"] = _variable(variable.target, depth - 1)
    return form


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever a scalar may be
    # JSON has no NaN and no infinity; a string says which it was.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.value if isinstance(value, enum.Enum) else value


def _fields(noun: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:  # noqa: ANN401
    return {
        field.name: _plain(getattr(noun, field.name))
        for field in msgspec.structs.fields(type(noun))
        if field.name not in without
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field of the model
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, bytes):
        return value.hex()
    return _number(value)
