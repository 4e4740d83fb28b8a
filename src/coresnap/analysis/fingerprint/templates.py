"""C++ and Rust names without what builds and compilers spell each in their own way.

Template argument lists (which some compilers leave out), lambdas, anonymous
namespaces, types without a name, inline namespaces of the standard library, numbers of
closures.
"""

from __future__ import annotations

__all__ = ["without_details"]

_BRACKETS = {"<": ">", "{": "}", "(": ")", "[": "]"}
_INLINE_NAMESPACES = (
    "std::__cxx11::",
    "std::__1::",
    "std::__ndk1::",
    "std::__fs::",
    "std::_V2::",
    "std::chrono::_V2::",
)
_SYMBOLS = frozenset("<>=-+*/%^&|~!,()[] ")


def without_details(name: str) -> str:
    """Return ``name`` with one spelling for each of its components.

    ``std::vector<int>::at`` becomes ``std::vector::at``; every lambda of a function
    ``{lambda}``; Rust's ``<Vec<u8> as Sum>::sum`` keeps type and trait.
    """
    for inline in _INLINE_NAMESPACES:
        if inline in name:
            name = name.replace(inline, _outer(inline))
    if not any(mark in name for mark in "<({$[' "):
        return _component(name) if "." in name else name
    first, *others = _split(name)
    if first.startswith("<") and first.endswith(">") and _special(first) is None:
        first = _qualified(first)
    else:
        first = _component(first)
    components = [first, *map(_component, others)]
    if components[-2:] == ["{lambda}", "operator()"]:
        components.pop()
    return "::".join(part for part in components if part)


def _outer(inline: str) -> str:
    return inline[:-2].rpartition("::")[0] + "::"


def _split(name: str) -> list[str]:
    """Part a name at ``::`` outside of brackets."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(name):
        if not depth and name.startswith("operator", at) and _is_operator(name, at):
            break  # the last component; its brackets close nothing
        character = name[at]
        if character in "<({[":
            depth += 1
        elif character in ">)}]" and depth and name[at - 1] != "-":
            depth -= 1
        elif not depth and name.startswith("::", at):
            parts.append(name[start:at])
            start = at = at + 2
            continue
        at += 1
    parts.append(name[start:])
    return parts


def _is_operator(name: str, at: int) -> bool:
    before = name[at - 1 : at]
    after = name[at + 8 : at + 9]
    return before in ("", ":", " ") and (after in _SYMBOLS or not after)


def _component(part: str) -> str:
    special = _special(part)
    if special is not None:
        return special
    if part.startswith("operator") and _is_operator(part, 0):
        return _operator(part)
    part = part.partition("{{")[0]  # Rust's shims
    head, bracket, _ = part.partition("<")
    if bracket:
        return head.rstrip()  # nothing of Rust's `first::<u32>`
    if part.endswith(")") and part[0] != "(" and "." not in part:
        return part.partition("(")[0]  # the function that a local name is of
    return _go_closure(part) if "." in part else part


def _special(part: str) -> str | None:
    """What has no name in the source."""
    if part.startswith("{lambda in "):
        return part
    if part in ("(anonymous namespace)", "{anonymous}", "(anonymous)", "_GLOBAL__N_1"):
        return "{anonymous}"
    if part.startswith(("{lambda", "<lambda", "'lambda", "$_", "(lambda")):
        return "{lambda}"
    if part.startswith(("{closure", "{{closure", "{async", "{{async")):
        return "{closure}"
    if part.startswith(("{unnamed", "'unnamed", "<unnamed", "(unnamed", "{enum")):
        return "{unnamed}"
    return None


def _operator(part: str) -> str:
    symbol = part[8:]
    # `operator<< <char>`: the list of arguments stands behind a space.
    head, space, rest = symbol.partition(" <")
    if space and head and rest.endswith(">"):
        symbol = head
    elif symbol[:1] == " ":
        symbol = " " + without_details(symbol[1:])  # a conversion, new, delete
    elif symbol[:2] in ("()", "[]"):
        symbol = symbol[:2]
    return "operator" + symbol


def _qualified(part: str) -> str:
    """Rust's ``<Type as Trait>``: both without their arguments."""
    inside = part[1:-1]
    ends = _outside(inside, " as ")
    if ends is None:
        return f"<{without_details(inside)}>"
    type_, trait = inside[:ends], inside[ends + 4 :]
    return f"<{without_details(type_)} as {without_details(trait)}>"


def _outside(text: str, word: str) -> int | None:
    depth = 0
    for at, character in enumerate(text):
        if character in "<({[":
            depth += 1
        elif character in ">)}]" and text[at - 1] != "-":
            depth -= 1
        elif not depth and text.startswith(word, at):
            return at
    return None


def _go_closure(part: str) -> str:
    """Go numbers the functions without a name in a function: ``main.run.func2.1``."""
    words = part.split(".")
    while len(words) > 2 and words[-1].isdigit():
        words.pop()
    last = words[-1]
    if len(words) > 1 and last.startswith("func") and last[4:].isdigit():
        words[-1] = "func"
    return ".".join(words)
