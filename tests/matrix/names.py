"""Whether two readers name the same function, each in its own spelling."""

from __future__ import annotations

import re

from coresnap.model import Frame

__all__ = ["same_function"]

_RULES = [
    (r"@@?GLIBC[\w.]*", ""),  # eu-stack: the symbol's version
    (r"( \[clone [^]]*\])+$", ""),
    (r"\$LT\$.*?\$GT\$", ""),  # Rust, legacy mangling
    (r"(\$u7b\$)?\$u7b\$closure\$u7d\$(\$u7d\$)?", "{closure}"),
    (r"\.llvm\.\d+$", ""),
    (r"::h[0-9a-f]{16}(E)?$", ""),
    (r"\[[0-9a-f]{12,16}\]", ""),  # Rust, v0 mangling: disambiguators
    (r"(\.(part|constprop|isra|cold|llvm|lto_priv)(\.\d+)*)+$", ""),
    (r"\.(part|constprop|isra|cold)$", ""),
    (r"\blong int\b", "long"),
    (r"\blong long int\b", "long long"),
    (r"\bshort int\b", "short"),
    (r"\bchar const\b", "const char"),
    # Closures and lambdas have no name of their own.
    (r"\(lambda at [^()]*\)", "{}"),
    (r"\{lambda\([^{}]*\)#\d+\}", "{}"),
    (r"<lambda\([^()]*\)>", "{}"),
    (r"\{unnamed type#\d+\}", "{}"),
    (r"\$_\d+", "{}"),
    (r"\((anonymous|unnamed) (struct|class)( at [^()]*)?\)", "{}"),
    (r"\{closure(_env)?#\d+\}|\{\{closure\}\}", "{closure}"),
    (r"\{impl#\d+\}", "{impl}"),
    (r"::<", "<"),
    (r"\{\{vtable\.shim\}\}|\{shim:vtable#\d+\}", "{shim}"),
]


def same_function(ours: Frame, theirs: str) -> bool:
    """Compare without what spelling and choice of symbol make different.

    Several symbols stand at one address (``__GI_raise``, ``raise``); gdb names
    functions of clang's -g1 without their scopes, and some with parameters.
    """
    if theirs in (ours.function, ours.linkage_name):
        return True
    one, two = _plain(ours.function or ""), _plain(theirs)
    if one == two or one.endswith(f"::{two}") or two.endswith(f"::{one}"):
        return True
    one, two = _without_arguments(one), _without_arguments(two)
    return one == two != "" or _is_rust_impl(one, two)


def _is_rust_impl(one: str, two: str) -> bool:
    """``<Pair as Area>::area`` is ``{impl}::area`` in debug information."""
    has_impl = "{impl}" in one + two or "_::" in one + two or "::::" in one + two
    return has_impl and one.rpartition("::")[2] == two.rpartition("::")[2]


def _plain(name: str) -> str:
    for pattern, text in _RULES:
        name = re.sub(pattern, text, name)
    name = _without_parameters(name)
    name = re.sub(r"^(__GI_|__libc_|_)+", "", name)
    return re.sub(r"_impl$", "", name)


def _without_parameters(name: str) -> str:
    """Cut a parameter list at the end, which is where its parenthesis opens."""
    name = re.sub(r"\)( const)?( volatile)?[ &]*$", ")", name)
    if not name.endswith(")") or name.endswith("operator()"):
        return name
    depth = 0
    for at in range(len(name) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(name[at], 0)
        if depth == 0:
            return name[:at] or name
    return name


def _without_arguments(name: str) -> str:
    """Cut template and generic arguments: compilers spell the types in them apart."""
    kept, depth = [], 0
    for part in re.split(r"((?<!operator)[<>](?!=))", name):
        if part in "<>" and part:
            depth += 1 if part == "<" else -1
        elif depth <= 0:
            kept.append(part)
    return re.sub(r"^(const )?[\w:* ]+ (?=[\w:{}~]+$)", "", "".join(kept))
