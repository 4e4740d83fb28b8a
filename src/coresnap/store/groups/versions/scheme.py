"""The schemes by which two versions are compared, each a module beside this one."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping

from coresnap.store.groups.versions.dpkg import compare_dpkg
from coresnap.store.groups.versions.number import compare_numbers
from coresnap.store.groups.versions.rpm import compare_rpm
from coresnap.store.groups.versions.semantic import compare_semantic

__all__ = ["Scheme", "compare_versions", "greatest"]

_LONGEST = 128


class Scheme(enum.StrEnum):
    """What versions of a project are."""

    SEMVER = "semver"
    """Semantic Versioning 2.0.0, and what is written like it: ``v1.2``."""
    DPKG = "dpkg"
    """As Debian's packages: deb-version(7)."""
    RPM = "rpm"
    """As packages of rpm: ``[epoch:]version[-release]``."""
    NUMBER = "number"
    """Decimal numbers, as of builds."""


_COMPARE: Mapping[Scheme, Callable[[str, str], int | None]] = {
    Scheme.SEMVER: compare_semantic,
    Scheme.DPKG: compare_dpkg,
    Scheme.RPM: compare_rpm,
    Scheme.NUMBER: compare_numbers,
}


def compare_versions(scheme: Scheme, one: str, other: str) -> int | None:
    """Return -1, 0 or 1 as ``one`` is earlier, equal or later than ``other``.

    None: one of them is no version of the scheme, so they cannot be compared.
    """
    one, other = one.strip(), other.strip()
    if not (0 < len(one) <= _LONGEST and 0 < len(other) <= _LONGEST):
        return None
    return _COMPARE[scheme](one, other)


def greatest(scheme: Scheme, versions: Iterable[str]) -> str:
    """Return the latest of those that can be compared; empty if none can."""
    found = ""
    for version in versions:
        if compare_versions(scheme, version, version) is None:
            continue
        if not found or compare_versions(scheme, version, found) == 1:
            found = version
    return found
