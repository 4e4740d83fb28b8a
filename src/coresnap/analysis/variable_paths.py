"""Every value in a set of variables, under the name that a debugger would take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coresnap.model import Variable, VariableKind

__all__ = ["MOST", "variable_paths"]

MOST = 100_000
"""Values of one set of variables: more than any budget of analysis lets it have."""


def variable_paths(
    variables: Iterable[Variable], most: int = MOST, *, items: bool = False
) -> Iterator[tuple[str, Variable]]:
    """Yield each variable, member, element and target with its path, outermost first.

    Paths are as in C: ``list->head.next[2]``, ``*count``. Raw members of a container
    are walked; its ``items``, which lie in the same memory, only if asked for.
    """
    pending = [(variable.name, variable) for variable in variables]
    pending.reverse()
    while pending and most > 0:
        most -= 1
        path, variable = pending.pop()
        yield path, variable
        inside = [(_inside(path, variable, m), m) for m in variable.members]
        if variable.target is not None:
            inside.append((f"*{path}", variable.target))
        if items:
            inside += [(path + item.name, item) for item in variable.items]
        pending.extend(reversed(inside))


def _inside(path: str, variable: Variable, member: Variable) -> str:
    if member.kind is VariableKind.ELEMENT:
        return path + member.name
    if member.kind is VariableKind.BASE:
        return path
    separator = "."
    if path.startswith("*"):
        # What a pointer leads to; ``*list`` and its member ``head`` are ``list->head``.
        path, separator = path[1:], "->"
    return f"{path}{separator}{member.name}" if member.name else path
