"""Types as one writes them in C or C++: ``char *const *``, ``int (*[4])(void)``."""

from __future__ import annotations

from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.analysis.values.types import (
    ArrayType,
    CompoundType,
    Dimension,
    EnumType,
    FunctionType,
    MemberPointerType,
    PointerType,
    QualifiedType,
    Type,
)

__all__ = ["array_name", "type_name"]

_DEPTH_LIMIT = 32
_PART_LIMIT = 1000
"""Types named in one name: a function of functions can double with every level."""
_LENGTH_LIMIT = 4096


def type_name(graph: TypeGraph, handle: int) -> str:
    """The name of the type with this DIE handle."""
    return _Declarator(graph).declare(handle, "", 0)[:_LENGTH_LIMIT]


def array_name(
    graph: TypeGraph, element: int, dimensions: tuple[Dimension, ...]
) -> str:
    """The name of an array of these dimensions."""
    return _Declarator(graph).declare(element, _bounds(dimensions), 0)[:_LENGTH_LIMIT]


def _bounds(dimensions: tuple[Dimension, ...]) -> str:
    return "".join("[]" if d.count is None else f"[{d.count}]" for d in dimensions)


def _join(name: str, inner: str) -> str:
    return f"{name} {inner}" if inner else name


class _Declarator:
    """Writes one declaration: C puts a type around the name that it declares."""

    def __init__(self, graph: TypeGraph) -> None:
        self._graph = graph
        self._parts = 0

    def declare(self, handle: int, inner: str, depth: int) -> str:
        """``inner`` declared as of this type."""
        self._parts += 1
        if depth >= _DEPTH_LIMIT or self._parts > _PART_LIMIT:
            return _join("...", inner)
        found = self._graph.type(handle)
        depth += 1
        if isinstance(found, PointerType) and found.name is None:
            return self._pointer(found, inner, depth)
        if isinstance(found, MemberPointerType):
            container = self.declare(found.container, "", depth)
            inner = self._around(found.target, f"{container}::*{inner}")
            return self.declare(found.target, inner, depth)
        if isinstance(found, ArrayType):
            bounds = _bounds(found.dimensions)
            return self.declare(found.element, inner + bounds, depth)
        if isinstance(found, FunctionType):
            parameters = self._parameters(found, depth)
            const = " const" if found.const_method else ""
            return self.declare(found.result, f"{inner}({parameters}){const}", depth)
        if isinstance(found, QualifiedType) and found.qualifier:
            return self._qualified(found, inner, depth)
        return _join(self._own_name(found), inner)

    def _around(self, target: int, inner: str) -> str:
        binds_weaker = isinstance(self._graph.type(target), ArrayType | FunctionType)
        return f"({inner})" if binds_weaker else inner

    def _pointer(self, found: PointerType, inner: str, depth: int) -> str:
        space = " " if inner[:1].isalpha() or inner[:1] == "_" else ""
        inner = self._around(found.target, f"{found.kind}{space}{inner}")
        return self.declare(found.target, inner, depth)

    def _qualified(self, found: QualifiedType, inner: str, depth: int) -> str:
        target = self._graph.type(found.target)
        if isinstance(target, PointerType) and target.name is None:
            return self.declare(found.target, _join(found.qualifier, inner), depth)
        return f"{found.qualifier} {self.declare(found.target, inner, depth)}"

    def _parameters(self, found: FunctionType, depth: int) -> str:
        names = [self.declare(handle, "", depth) for handle in found.parameters]
        if found.variadic:
            names.append("...")
        if not names:
            is_c = not self._is_cplusplus(found)
            return "void" if found.prototyped and is_c else ""
        return ", ".join(names)

    def _is_cplusplus(self, found: Type) -> bool:
        return found.handle != 0 and self._graph.is_cplusplus(found.handle)

    def _own_name(self, found: Type) -> str:
        if not isinstance(found, CompoundType | EnumType):
            return found.name or "void"
        keyword = found.keyword if isinstance(found, CompoundType) else "enum"
        if found.name is None:
            return f"{keyword} {{...}}"
        return found.name if self._is_cplusplus(found) else f"{keyword} {found.name}"
