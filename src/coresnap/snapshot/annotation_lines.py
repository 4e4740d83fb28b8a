"""Annotations as text: a remark with its level, a tree below its heading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from coresnap.model import Annotation
from coresnap.snapshot.escape import printable
from coresnap.snapshot.ink import Ink

__all__ = ["annotation_lines"]

_MARK = {"comment": "note", "warning": "warning", "critical": "CRITICAL"}
_DEPTH_MAX = 8
_ITEMS_MAX = 100
"""Lines of one level: a plug-in may have taken a whole table over."""


def annotation_lines(
    annotations: Iterable[Annotation], ink: Ink, indent: str = ""
) -> Iterator[str]:
    """Yield the lines of annotations that have one owner."""
    for one in annotations:
        level = _MARK.get(one.level, printable(one.level))
        source = f" [{printable(one.source)}]" if one.source else ""
        said = printable(one.message or one.title)
        line = f"{indent}{level}: {said}{source}"
        yield ink.doubt(line) if one.level == "comment" else ink.alarm(line)
        if one.data:
            if one.message and one.title:
                yield f"{indent}  {printable(one.title)}"
            yield from _tree(one.data, indent + "    ", _DEPTH_MAX)


def _tree(data: Any, indent: str, depth: int) -> Iterator[str]:  # noqa: ANN401 - JSON
    pairs = list(_pairs(data))
    for label, value in pairs[:_ITEMS_MAX]:
        if isinstance(value, Mapping | list) and value:
            yield f"{indent}{label}"
            if depth > 0:
                yield from _tree(value, indent + "  ", depth - 1)
            else:
                yield f"{indent}  …"
        else:
            yield f"{indent}{label} {printable(str(value))}".rstrip()
    if len(pairs) > _ITEMS_MAX:
        yield f"{indent}… {len(pairs) - _ITEMS_MAX} more"


def _pairs(data: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401 - JSON
    if isinstance(data, Mapping):
        return ((f"{printable(str(key))}:", value) for key, value in data.items())
    return (("-", value) for value in data)
