"""Aliases as text: who else leads to the memory of the fault; marks on variables."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.model import Alias, Annotation, Snapshot, Thread, Variable, VariableKind
from coresnap.snapshot.annotation_lines import annotation_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.ink import Ink

__all__ = ["alias_lines", "mark_lines"]

_SHOWN = 8
_MARKS = 4
"""Marks below one variable."""
_NODES = 10_000
_TYPE_MAX = 40


def alias_lines(
    snapshot: Snapshot, display: Display, *, all_of_them: bool
) -> Iterator[str]:
    """Yield the section of aliases: the nearest, or all."""
    aliases = snapshot.aliases
    if not aliases or not display.details:
        return
    yield display.ink.title("aliases")
    threads = {thread.tid: thread for thread in snapshot.threads}
    for alias in aliases if all_of_them else aliases[:_SHOWN]:
        remark = "" if alias.remark is None else f"; {printable(alias.remark)}"
        yield f"  {_alias_words(alias, threads, display)}{display.ink.alarm(remark)}"
    more = 0 if all_of_them else len(aliases) - _SHOWN
    if more > 0:
        yield display.ink.doubt(f"  and {more} more")


def _alias_words(alias: Alias, threads: dict[int, Thread], display: Display) -> str:
    name = printable(alias.name)
    if not name and alias.address is not None:
        name = f"{alias.address:#x}"
    kind = printable(alias.type or "")
    if len(kind) > _TYPE_MAX and not display.full_names:
        kind = kind[: _TYPE_MAX - 1] + "…"
    words = f"{printable(alias.holder)} {display.ink.function(name)}"
    words += f" ({kind})" if kind else ""
    words += _owner(alias, threads)
    offset = f" (+{alias.offset})" if alias.offset else ""
    level = f", level {alias.level}" if alias.level > 1 else ""
    return f"{words} = {alias.value:#x}{offset}{level}"


def _owner(alias: Alias, threads: dict[int, Thread]) -> str:
    thread = None if alias.tid is None else threads.get(alias.tid)
    if thread is None:
        return ""
    words = ""
    if alias.frame is not None and alias.frame < len(thread.frames):
        left_out = sum(f.left_out for f in thread.frames[: alias.frame + 1])
        frame = thread.frames[alias.frame]
        function = frame.short_name or frame.function
        # The slot of a frame says in its name which frame it is.
        if alias.holder != "stack":
            words += f" of frame {alias.frame + left_out}"
            words += f" ({printable(function)})" if function else ""
    return words if thread.crashed else f"{words} in thread {thread.tid}"


def mark_lines(variable: Variable, ink: Ink, indent: str) -> Iterator[str]:
    """Yield what is remarked on a variable and on the values in it."""
    for count, (path, owned) in enumerate(_marks(variable)):
        if count == _MARKS:
            yield ink.doubt(f"{indent}…")
            return
        yield from annotation_lines((_about(path, one) for one in owned), ink, indent)


def _about(path: str | None, annotation: Annotation) -> Annotation:
    """The remark with the name of what it is about before it."""
    if path is None:
        return annotation
    message = f"{path}: {annotation.message or annotation.title}"
    return msgspec.structs.replace(annotation, message=message)


def _marks(
    variable: Variable,
) -> Iterator[tuple[str | None, tuple[Annotation, ...]]]:
    """Annotations, each with the path of its value; None for the variable's own."""
    pending = [(variable.name, variable)]
    for _ in range(_NODES):
        if not pending:
            return
        path, value = pending.pop()
        if value.annotations:
            yield (None if value is variable else path), value.annotations
        inside = [(_inside(path, one), one) for one in (*value.members, *value.items)]
        if value.target is not None:
            inside.append((f"*{path}", value.target))
        pending.extend(reversed(inside))


def _inside(path: str, member: Variable) -> str:
    if member.kind is VariableKind.BASE:
        return path
    if member.kind is VariableKind.ELEMENT or member.name.startswith("["):
        return path + member.name
    if path.startswith("*"):
        return f"{path[1:]}->{member.name}"
    return f"{path}.{member.name}"
