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
_LENGTH_LIMIT = 4096


def type_name(graph: TypeGraph, handle: int) -> str:
    """The name of the type with this DIE handle."""
    return _declare(graph, handle, "", _DEPTH_LIMIT)[:_LENGTH_LIMIT]


def array_name(
    graph: TypeGraph, element: int, dimensions: tuple[Dimension, ...]
) -> str:
    """The name of an array of these dimensions."""
    return _declare(graph, element, _bounds(dimensions), _DEPTH_LIMIT)[:_LENGTH_LIMIT]


def _bounds(dimensions: tuple[Dimension, ...]) -> str:
    return "".join("[]" if d.count is None else f"[{d.count}]" for d in dimensions)


def _declare(graph: TypeGraph, handle: int, inner: str, depth: int) -> str:
    """The declaration of ``inner``: C writes a type around the name it declares."""
    found = graph.type(handle)
    if depth <= 0:
        return _join("...", inner)
    depth -= 1
    if isinstance(found, PointerType) and found.name is None:
        return _declare_pointer(graph, found, inner, depth)
    if isinstance(found, MemberPointerType):
        container = _declare(graph, found.container, "", depth)
        inner = _around(graph, found.target, f"{container}::*{inner}")
        return _declare(graph, found.target, inner, depth)
    if isinstance(found, ArrayType):
        inner += _bounds(found.dimensions)
        return _declare(graph, found.element, inner, depth)
    if isinstance(found, FunctionType):
        parameters = _parameters(graph, found, depth)
        const = " const" if found.const_method else ""
        return _declare(graph, found.result, f"{inner}({parameters}){const}", depth)
    if isinstance(found, QualifiedType) and found.qualifier:
        return _declare_qualified(graph, found, inner, depth)
    return _join(_own_name(graph, found), inner)


def _join(name: str, inner: str) -> str:
    return f"{name} {inner}" if inner else name


def _around(graph: TypeGraph, target: int, inner: str) -> str:
    binds_weaker = isinstance(graph.type(target), ArrayType | FunctionType)
    return f"({inner})" if binds_weaker else inner


def _declare_pointer(
    graph: TypeGraph, found: PointerType, inner: str, depth: int
) -> str:
    space = " " if inner[:1].isalpha() or inner[:1] == "_" else ""
    inner = _around(graph, found.target, f"{found.kind}{space}{inner}".rstrip())
    return _declare(graph, found.target, inner, depth)


def _declare_qualified(
    graph: TypeGraph, found: QualifiedType, inner: str, depth: int
) -> str:
    target = graph.type(found.target)
    if isinstance(target, PointerType) and target.name is None:
        return _declare(graph, found.target, _join(found.qualifier, inner), depth)
    return f"{found.qualifier} {_declare(graph, found.target, inner, depth)}"


def _parameters(graph: TypeGraph, found: FunctionType, depth: int) -> str:
    names = [_declare(graph, handle, "", depth) for handle in found.parameters]
    if found.variadic:
        names.append("...")
    if not names:
        return "void" if found.prototyped and not _is_cplusplus(graph, found) else ""
    return ", ".join(names)


def _is_cplusplus(graph: TypeGraph, found: Type) -> bool:
    return found.handle != 0 and graph.is_cplusplus(found.handle)


def _own_name(graph: TypeGraph, found: Type) -> str:
    if not isinstance(found, CompoundType | EnumType):
        return found.name or "void"
    keyword = found.keyword if isinstance(found, CompoundType) else "enum"
    if found.name is None:
        return f"{keyword} {{...}}"
    return found.name if _is_cplusplus(graph, found) else f"{keyword} {found.name}"
