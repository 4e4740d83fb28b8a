"""Names of types without what differs between versions and instances."""

from __future__ import annotations

import re

__all__ = ["bare_name", "type_arguments"]

_VERSIONS = re.compile(r"\b(?:__cxx11|__cxx1998|__debug|__1|__2|__8|__fs|__ndk1|_V2)::")
"""Inline namespaces of libstdc++ (ABI, debug mode) and libc++."""


def bare_name(name: str) -> str:
    """``std::vector`` of ``std::__1::vector<int, std::__1::allocator<int> >``."""
    if "<" in name:
        name = _without_arguments(name)
    return _VERSIONS.sub("", name) if "_" in name else name


def _without_arguments(name: str) -> str:
    kept, depth = [], 0
    for character in name:
        if character == "<":
            depth += 1
        elif character == ">" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def type_arguments(name: str) -> list[str]:
    """The outermost template arguments in a name, as they are written."""
    arguments, depth, start = [], 0, 0
    for at, character in enumerate(name):
        if character in "<({[":
            depth += 1
            if depth == 1:
                start = at + 1
        elif character in ">)}]" and depth:
            depth -= 1
        if (character == "," and depth == 1) or (depth == 0 and start):
            arguments.append(name[start:at].strip())
            start = at + 1
            if depth == 0:
                break
    return [argument for argument in arguments if argument]
