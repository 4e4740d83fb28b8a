"""One spelling for a function or a module, whoever compiled it and wherever it runs.

Without regular expressions: to compile one costs more than to spell a whole stack.
"""

from __future__ import annotations

import functools
import os.path

from coresnap.analysis.fingerprint.policies import policies

__all__ = ["normalise_function", "normalise_module", "without_suffixes"]

_LONGEST = 4096
"""Characters of a name that are looked at: symbols come from attacker-chosen files."""
_TEXT = ("mem", "str", "stp", "wcs", "wmem", "rawmem")


@functools.lru_cache(maxsize=4096)
def normalise_function(name: str) -> str:
    """Spell a function the way all builds of the same source spell it."""
    name = without_suffixes(name[:_LONGEST])
    if not name.isidentifier():
        # Not before: a program in C has no such names.
        from coresnap.analysis.fingerprint.templates import without_details

        return without_details(name)
    return _without_processor(_without_alias(name))


@functools.lru_cache(maxsize=1024)
def normalise_module(path: str | None) -> str:
    """Return the base name of a module without its versions; ``?`` for none.

    ``/lib64/libfoo.so.1.2``, ``libfoo-1.2.so`` and ``libfoo.so`` are one library. libc
    has one name on all systems, its former parts included.
    """
    if not path:
        return "?"
    name = os.path.basename(path.removesuffix(" (deleted)")) or path
    if name == "[vdso]":
        return "linux-vdso.so"
    if name.startswith(("ld-musl-", "ld-linux", "ld64.so", "ld-elf", "ld.so", "ld-2.")):
        return "libc.so" if name.startswith("ld-musl-") else "ld.so"
    stem, dot, _ = name.partition(".so")
    if not dot or not stem:
        return name
    head, dash, version = stem.rpartition("-")
    if dash and version[:1].isdigit() and version.replace(".", "").isalnum():
        stem = head
    return "libc.so" if f"{stem}.so" in policies().libc_parts else f"{stem}.so"


def without_suffixes(name: str) -> str:
    """Take off what compilers, linkers and ABIs put behind a function's name."""
    if "@" in name:
        head = name.partition("@")[0]
        name = head or name
    while "[abi:" in name:
        head, _, rest = name.partition("[abi:")
        name = head + rest.partition("]")[2]
    if "." in name:
        name = _without_parts(name)
    if name[-19:-16] == "::h" and _is_hexadecimal(name[-16:]):
        name = name[:-19]  # the hash of Rust's legacy names
    return name


def _without_parts(name: str) -> str:
    head, _, rest = name.partition(" [clone ")
    if rest:
        name = head
    rules = policies()
    at = name.find(".", 1)
    while at > 0:
        word = name[at + 1 :].partition(".")[0]
        if word in rules.suffixes or word in rules.processors or word[:5] == "arch_":
            return name[:at]  # the last: target_clones
        at = name.find(".", at + 1)
    # A number alone tells local functions of one name apart.
    head, _, number = name.rpartition(".")
    return head.removesuffix(".default") if head and number.isdigit() else name


def _is_hexadecimal(text: str) -> bool:
    return all(c in "0123456789abcdef" for c in text)


def _without_alias(name: str) -> str:
    """The public name behind an alias by which libc calls itself."""
    if not name.startswith("_") and not name.startswith("IA__"):
        return name
    for alias in policies().aliases:
        if name.startswith(alias) and len(name) > len(alias):
            return _without_alias(name[len(alias) :])
    if name.lstrip("_").startswith("libc_"):
        rest = name.lstrip("_")[5:]
        return rest if rest in policies().libc_public else name
    if name.startswith("_IO_") and name[4:].islower():
        return name[4:]
    if name.startswith("__") and name.endswith("_chk"):
        return name.strip("_")[:-4]  # _FORTIFY_SOURCE
    return name.lstrip("_") if name.startswith("___") else name


def _without_processor(name: str) -> str:
    rules = policies()
    words = name.split("_")
    kept = len(words)
    while kept > 1 and words[kept - 1] in rules.variants:
        kept -= 1
    if kept == len(words):
        return name
    head = "_".join(words[:kept])
    plain = head.lstrip("_") if name.startswith("__") else head
    if rules.processors.isdisjoint(words[kept:]) and not plain.startswith(_TEXT):
        return name
    return plain or name
