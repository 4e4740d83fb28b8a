"""What a name may lose without saying less: defaults, aliases, versions."""

from __future__ import annotations

import functools
import re

__all__ = ["alias_of", "short_words", "without_defaults"]

_VERSIONS = r"\b(?:__cxx11|__1|__2|__8|__ndk1|__fs|_V2)::"
"""Inline namespaces of libstdc++, libc++, and the NDK."""
_RUST_HASH = r"::h[0-9a-f]{16}\b"
_PRELUDE = (
    r"\b(?:alloc|core|std)::(?:\w+::)*"
    r"(?=(?:Vec|String|Box|Rc|Arc|Option|Result|HashMap|HashSet|BTreeMap|BTreeSet"
    r"|VecDeque|Cell|RefCell|Mutex|RwLock|Cow|Debug|Display|Clone|Iterator"
    r"|IntoIterator|FnOnce|FnMut|Fn|Drop|Deref|Default|From|Into)\b(?!::\{))"
)
"""Where rustc finds what programs write without a path."""

_CHARACTERS = {
    "char": "",
    "wchar_t": "w",
    "char8_t": "u8",
    "char16_t": "u16",
    "char32_t": "u32",
}
_ALIASED = {
    "basic_string": "string",
    "basic_string_view": "string_view",
    "basic_ostream": "ostream",
    "basic_istream": "istream",
    "basic_iostream": "iostream",
    "basic_ios": "ios",
    "basic_streambuf": "streambuf",
    "basic_stringbuf": "stringbuf",
    "basic_stringstream": "stringstream",
    "basic_ostringstream": "ostringstream",
    "basic_istringstream": "istringstream",
    "basic_filebuf": "filebuf",
    "basic_fstream": "fstream",
    "basic_ofstream": "ofstream",
    "basic_ifstream": "ifstream",
    "basic_regex": "regex",
}
_WIDE_ONLY = frozenset({"basic_string", "basic_string_view"})
_ALIASES = {
    f"std::{template}<{character}>": f"std::{prefix}{name}"
    for template, name in _ALIASED.items()
    for character, prefix in _CHARACTERS.items()
    if prefix in ("", "w") or template in _WIDE_ONLY
}

_ALLOCATOR = "std::allocator<"
_CONTAINERS: dict[str, tuple[str, ...]] = {
    "std::vector": (_ALLOCATOR,),
    "std::list": (_ALLOCATOR,),
    "std::deque": (_ALLOCATOR,),
    "std::forward_list": (_ALLOCATOR,),
    "std::set": ("std::less<{0}>", _ALLOCATOR),
    "std::multiset": ("std::less<{0}>", _ALLOCATOR),
    "std::map": ("", "std::less<{0}>", _ALLOCATOR),
    "std::multimap": ("", "std::less<{0}>", _ALLOCATOR),
    "std::unordered_set": ("std::hash<{0}>", "std::equal_to<{0}>", _ALLOCATOR),
    "std::unordered_multiset": ("std::hash<{0}>", "std::equal_to<{0}>", _ALLOCATOR),
    "std::unordered_map": ("", "std::hash<{0}>", "std::equal_to<{0}>", _ALLOCATOR),
    "std::unordered_multimap": ("", "std::hash<{0}>", "std::equal_to<{0}>", _ALLOCATOR),
    "std::stack": ("std::deque<{0}>",),
    "std::queue": ("std::deque<{0}>",),
    "std::priority_queue": ("std::vector<{0}>", "std::less<{0}>"),
    "std::unique_ptr": ("std::default_delete<{0}>",),
    "std::basic_regex": ("std::regex_traits<{0}>",),
    "Vec": ("alloc::alloc::Global",),
    "VecDeque": ("alloc::alloc::Global",),
    "Box": ("alloc::alloc::Global",),
    "Rc": ("alloc::alloc::Global",),
    "Arc": ("alloc::alloc::Global",),
    "BTreeSet": ("alloc::alloc::Global",),
    "BTreeMap": ("", "alloc::alloc::Global"),
    "HashSet": ("std::hash::random::RandomState",),
    "HashMap": ("", "std::hash::random::RandomState"),
}
"""Template to the defaults behind its first argument; ``{0}`` is that argument, and an
open bracket stands for all that begin so. An empty text is no default."""
_STREAMS = ("std::char_traits<{0}>", _ALLOCATOR)
_RANDOM_STATE = "std::collections::hash::map::RandomState"
_LONGEST_NAME = 40
_NAME_END = r"[\w:]+$"


# The same few words stand in every argument list of a template-heavy stack.
@functools.lru_cache(maxsize=8192)
def short_words(text: str, *, is_first: bool) -> str:
    """Text outside brackets without versions, hashes and Rust's paths."""
    if "::" in text:
        text = re.sub(_RUST_HASH, "", re.sub(_VERSIONS, "", text))
        text = re.sub(_PRELUDE, "", text)
    return text.lstrip() if is_first else text


def without_defaults(written: str, items: list[str]) -> list[str]:
    """The arguments of the template that ends ``written``, defaults taken off."""
    if len(items) < 2:
        return items
    match = re.search(_NAME_END, written[-_LONGEST_NAME:])
    name = match[0].rstrip(":") if match else ""
    defaults = _CONTAINERS.get(name)
    if defaults is None and name.startswith("std::basic_"):
        defaults = _STREAMS
    if defaults is None:
        return items
    kept = list(items)
    while 1 < len(kept) <= len(defaults) + 1:
        default = defaults[len(kept) - 2]
        if not _is_default(kept[-1], default, kept[0]):
            break
        kept.pop()
    return kept


def _is_default(item: str, default: str, first: str) -> bool:
    if not default:
        return False
    if default.endswith("<"):
        return item.startswith(default)
    if default.endswith("RandomState") and item == _RANDOM_STATE:
        return True
    return item == default.replace("{0}", first)


def alias_of(text: str) -> str | None:
    """What ends in ``std::basic_string<char>`` with the alias in its place."""
    start = text.rfind("std::basic_")
    if start < 0 or text[start:] not in _ALIASES:
        return None
    return text[:start] + _ALIASES[text[start:]]
