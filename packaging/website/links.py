"""Links as GitHub follows them become links within the site."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from website.places import DOCS, OUTSIDE, REPOSITORY
from website.prose import change_prose

__all__ = ["address_of", "rewrite", "targets"]

# A link's end, outside of blocks of code; those of references are not used here.
_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def address_of(path: Path) -> str:
    """Where the site has a file or directory of the repository, from its root.

    Pages end in ``.md``, as mkdocs wants them linked.
    """
    if path.is_relative_to(DOCS) and not path.is_dir():
        return path.relative_to(DOCS).as_posix()
    inside = path.relative_to(REPOSITORY).as_posix()
    if inside in OUTSIDE:
        return OUTSIDE[inside]
    # What begins with a dot is no part of a site.
    return f"repository/{inside.replace('/.', '/').removeprefix('.')}.md"


def rewrite(text: str, source: Path, address: str) -> str:
    """Return a page's text with its links as they have to be at ``address``.

    ``source`` is the page's file in the repository, which links are relative to.
    """

    def replaced(match: re.Match[str]) -> str:
        target = _target(source, match[2])
        if target is None:
            return match[0]
        here = os.path.relpath(address_of(target), os.path.dirname(address) or ".")
        return f"{match[1]}{here}{match[3] or ''}{match[4]}"

    return change_prose(text, lambda line: _LINK.sub(replaced, line))


def targets(text: str, source: Path) -> Iterator[Path]:
    """Yield the files and directories of the repository that a page links to."""
    found: list[Path] = []

    def collect(line: str) -> str:
        known = (_target(source, match[2]) for match in _LINK.finditer(line))
        found.extend(target for target in known if target is not None)
        return line

    change_prose(text, collect)
    yield from dict.fromkeys(found)


def _target(source: Path, link: str) -> Path | None:
    """What a link leads to; None where that is not in the repository."""
    if "://" in link or link.startswith("mailto:"):
        return None
    target = Path(os.path.normpath(source.parent / link))
    is_ours = target.is_relative_to(REPOSITORY) and target.exists()
    return target if is_ours else None
