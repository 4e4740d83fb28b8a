"""Files of the repository that pages link to, as pages of the site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from website.links import address_of, rewrite, targets
from website.places import DOCS, OUTSIDE, REPOSITORY

__all__ = ["linked_pages", "outside_pages"]

_LANGUAGES = {
    ".c": "c",
    ".cf": "ini",
    ".conf": "ini",
    ".h": "c",
    ".json": "json",
    ".py": "python",
    ".service": "ini",
    ".sh": "sh",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_MOST_BYTES = 200_000
"""More than any file has that was written by hand."""


def outside_pages() -> Iterator[tuple[str, str]]:
    """Yield address and text of each page of the repository outside of docs."""
    for inside, address in OUTSIDE.items():
        source = REPOSITORY / inside
        yield address, rewrite(source.read_text(), source, address)


def linked_pages() -> Iterator[tuple[str, str]]:
    """Yield address and text of what pages link to and no page shows."""
    sources = [*DOCS.rglob("*.md"), *(REPOSITORY / inside for inside in OUTSIDE)]
    seen: set[Path] = set()
    for source in sources:
        seen.update(targets(source.read_text(), source))
    for path in sorted(seen):
        address = address_of(path)
        if address.startswith("repository/"):
            yield address, _shown(path)


def _shown(path: Path) -> str:
    title = f"# {path.relative_to(REPOSITORY).as_posix()}\n\n"
    if path.is_dir():
        return title + "\n".join(_listing(sorted(path.iterdir())))
    text = path.read_bytes()[:_MOST_BYTES].decode(errors="replace")
    if path.suffix == ".md":
        return rewrite(text, path, address_of(path))
    language = _LANGUAGES.get(path.suffix, "sh" if text.startswith("#!") else "text")
    return f"{title}````{language}\n{text.rstrip()}\n````\n"


def _listing(paths: Iterable[Path]) -> Iterator[str]:
    yield "What this directory of the repository holds:\n"
    for path in paths:
        if not path.name.startswith((".", "__pycache__")):
            yield f"- `{path.name}{'/' if path.is_dir() else ''}`"
