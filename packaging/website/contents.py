"""The table of contents: what mkdocs.yml says, with the pages of its folders."""

from __future__ import annotations

from typing import Any

from website.commands import PROGRAMS
from website.places import DOCS

__all__ = ["expand"]


def expand(contents: Any) -> Any:  # noqa: ANN401 - a tree of lists, maps and texts
    """Return ``nav`` with a list of pages for each text that ends in ``/``."""
    if isinstance(contents, list):
        return [expand(item) for item in contents]
    if isinstance(contents, dict):
        return {title: expand(below) for title, below in contents.items()}
    if isinstance(contents, str) and contents.endswith("/"):
        return _manuals() if contents == "commands/" else _pages(contents)
    return contents


def _manuals() -> list[Any]:
    """The manual pages, program by program, in the order of the help."""
    programs: list[Any] = [
        {
            program.name: [
                _manual(program.name),
                *(_manual(f"{program.name}-{name}") for name in program.commands),
            ]
        }
        for program in PROGRAMS
    ]
    return [*programs, _manual("coresnapd")]


def _manual(name: str) -> dict[str, str]:
    return {name.replace("-", " ", 1): f"commands/{name}.md"}


def _pages(folder: str) -> list[str]:
    """A folder's pages by name, its README first; templates are none."""
    names = sorted(path.name for path in (DOCS / folder).glob("*.md"))
    pages = [name for name in names if name != "README.md" and "template" not in name]
    return [folder + name for name in ("README.md", *pages)]
