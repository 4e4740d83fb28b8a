"""Names of functions and types, made short enough to be read.

Pure text to text, for display: what is stored and compared is the whole name. What is
taken away says nothing: ABI namespaces (``std::__cxx11::``), default template arguments
(``std::allocator<int>``), where Rust's prelude lives (``alloc::vec::Vec``). What is
still long becomes ``<…>``.
"""

from __future__ import annotations

import functools
import re

from coresnap.snapshot.name_defaults import alias_of, short_words, without_defaults
from coresnap.snapshot.name_tree import Group, Part, parsed

__all__ = ["short_function", "short_type"]

_ELLIPSIS = "…"
_LIST_MAX = 32
"""Characters of a function's template argument list or enclosing parameter list."""
_TYPE_MAX = 80
"""Characters of a type; a longer one loses its innermost arguments first."""
_NAME_MAX = 16 << 10
"""Longer names are not read."""
_DEEPEST_KEPT = 3
_ABI_TAG = r"\[abi:\w+\]"


@functools.lru_cache(maxsize=16384)
def short_function(name: str) -> str:
    """``std::vector<int, std::allocator<int> >::push_back`` as
    ``std::vector<int>::push_back``."""
    if name.isidentifier():
        return name
    tree = _parsed(name)
    if tree is None:
        return name
    text = _Writer(list_max=_LIST_MAX).write(tree)
    return text if 0 < len(text) < len(name) else name


@functools.lru_cache(maxsize=16384)
def short_type(name: str) -> str:
    """``std::map<int, long, std::less<int>, …>`` as ``std::map<int, long>``."""
    if name.isidentifier():
        return name
    tree = _parsed(name)
    if tree is None:
        return name
    text = _Writer().write(tree)
    for depth in range(_DEEPEST_KEPT, -1, -1):
        if len(text) <= _TYPE_MAX:
            break
        text = _Writer(depth_max=depth).write(tree)
    return text if 0 < len(text) < len(name) else name


def _without_abi_tags(name: str) -> str:
    return re.sub(_ABI_TAG, "", name) if "[abi:" in name else name


def _parsed(name: str) -> list[Part] | None:
    return parsed(_without_abi_tags(name)) if len(name) <= _NAME_MAX else None


class _Writer:
    """Writes a tree; lists longer than ``list_max`` or deeper than ``depth_max`` are
    left out."""

    def __init__(
        self, *, list_max: int | None = None, depth_max: int | None = None
    ) -> None:
        self._list_max = list_max
        self._depth_max = depth_max

    def write(self, parts: list[Part], depth: int = 0) -> str:
        written = ""
        for index, part in enumerate(parts):
            if isinstance(part, str):
                written += short_words(part, is_first=not written)
            elif part.opening == "<":
                is_qualifier = index == 0 or written.endswith(("::", "& ", "&"))
                written = self._with_arguments(written, part, depth, is_qualifier)
            else:
                written += self._bracketed(part, depth)
        return written.strip()

    def _with_arguments(
        self, written: str, group: Group, depth: int, is_qualifier: bool
    ) -> str:
        items = [self.write(item, depth + 1) for item in group.items]
        if is_qualifier and not written.endswith("::"):
            # Rust's `<Type as Trait>::`, which is no argument list.
            return f"{written}<{', '.join(items)}>"
        items = without_defaults(written, items)
        full = f"{written}<{', '.join(items)}>"
        alias = alias_of(full)
        if alias is not None:
            return alias
        text = ", ".join(items)
        if self._is_too_much(text, depth):
            text = _ELLIPSIS
        return f"{written}<{text}>"

    def _bracketed(self, group: Group, depth: int) -> str:
        text = ", ".join(self.write(item, depth + 1) for item in group.items)
        is_list = group.opening == "(" and text != "anonymous namespace"
        if is_list and self._is_too_much(text, depth):
            text = _ELLIPSIS
        return f"{group.opening}{text}{group.closing}"

    def _is_too_much(self, text: str, depth: int) -> bool:
        if self._list_max is not None and len(text) > self._list_max:
            return True
        return bool(text) and self._depth_max is not None and depth >= self._depth_max
