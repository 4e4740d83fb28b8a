"""What of a fingerprint can be asked for, and is needed to make it again."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.fingerprint.digest import VERSION, Fingerprint

__all__ = ["fingerprint_attributes"]


def fingerprint_attributes(found: Fingerprint) -> dict[str, int | str]:
    """The attributes of a snapshot with this fingerprint, those of rulesets first."""
    return dict(_attributes(found))


def _attributes(found: Fingerprint) -> Iterator[tuple[str, int | str]]:
    yield from found.attributes.items()
    yield "fingerprint.version", VERSION
    yield "fingerprint.family", found.family
    if found.message:
        yield "fingerprint.message", found.message
    if found.late:
        yield "fingerprint.late", 1
