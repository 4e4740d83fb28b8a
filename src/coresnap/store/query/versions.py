"""Order of versions: of attributes with the format ``semver``.

For versions that Semantic Versioning 2.0.0 describes it is its precedence (section 11);
other ones have a place among them, so that any two can be compared.
"""

from __future__ import annotations

import re

__all__ = ["VersionRank", "version_rank"]

_PIECE = re.compile(r"[0-9]+|[^0-9.]+", re.ASCII)

_Piece = tuple[int, int, str]
VersionRank = tuple[tuple[_Piece, ...], bool, tuple[_Piece, ...]]
"""Release, whether it is one and no pre-release, pieces of the pre-release."""


def version_rank(text: str) -> VersionRank:
    """Return what a version is compared by.

    A leading ``v`` and what follows ``+`` do not count, nor do zeros at the end of the
    release: ``v1.2+exp`` is 1.2.0. Digits compare as numbers, before letters; a
    pre-release comes before its release.
    """
    version = text.strip().partition("+")[0]
    if re.match(r"[vV][0-9]", version):
        version = version[1:]
    release, dash, before = version.partition("-")
    pieces = [_piece(piece) for piece in _PIECE.findall(release)]
    while pieces and pieces[-1] == (0, 0, ""):
        pieces.pop()
    return tuple(pieces), not dash, tuple(_piece(part) for part in before.split("."))


def _piece(text: str) -> _Piece:
    if text.isascii() and text.isdigit() and len(text) <= 40:
        return (0, int(text), "")
    return (1, 0, text)
