"""What others wrote of a wheel: which project a file belongs to, and its licence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["LICENCES", "Part", "UnknownPartError", "parts_of"]

LICENCES = Path(__file__).resolve().parents[1] / "licences"


class UnknownPartError(Exception):
    """A bundled library that packaging/licences/parts.toml does not name."""


class Part:
    """A project that files of the wheel come from."""

    def __init__(
        self, name: str, facts: Mapping[str, object], files: Iterable[str]
    ) -> None:
        """Take the entry ``name`` of parts.toml, and the files that are of it."""
        self.name = name
        self.files = sorted(files)
        self.licence = str(facts["licence"])
        """An SPDX expression."""
        self.source = str(facts["source"])
        self.purpose = str(facts["purpose"])
        linked = facts.get("library")
        self.asked = [str(linked)] if linked else self.files
        """Libraries whose package is the project's: bundled, or linked into a file."""
        self.version: str | None = None
        """As a file's name has it; None if none does."""
        texts = facts["texts"]
        assert isinstance(texts, list)
        self.texts: list[str] = texts
        """Files of packaging/licences."""


def parts_of(names: Iterable[str], platform: str) -> list[Part]:
    """Return the parts that the files ``names`` of a wheel belong to.

    ``platform`` is the last part of the wheel's tag. Raises UnknownPartError for a
    bundled library of none.
    """
    table = tomllib.loads((LICENCES / "parts.toml").read_text())
    names = list(names)
    parts = []
    for project, facts in table.items():
        if facts.get("platform", "") in platform:
            patterns = [re.compile(pattern) for pattern in facts["files"]]
            found = [m for n in names for p in patterns if (m := p.fullmatch(n))]
            if found:
                part = Part(project, facts, [match[0] for match in found])
                part.version = found[0].groupdict().get("version")
                parts.append(part)
    known = {name for part in parts for name in part.files}
    unknown = [n for n in names if n.startswith("coresnap.libs/") and n not in known]
    if unknown:
        raise UnknownPartError(
            f"{unknown[0]}: nobody knows its licence. Add its project, with the text "
            "of the licence, to packaging/licences/parts.toml."
        )
    return parts
