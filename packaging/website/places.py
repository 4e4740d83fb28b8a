"""Where pages of the site come from, and where those outside of docs go."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DOCS", "OUTSIDE", "REPOSITORY"]

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"

OUTSIDE = {
    "README.md": "project/README.md",
    "CHANGELOG.md": "project/CHANGELOG.md",
    "CONTRIBUTING.md": "project/CONTRIBUTING.md",
    "benchmarks/README.md": "project/benchmarks.md",
}
"""A page of the repository to its address in the site. What else a page links to, of
the repository, gets one below ``repository/``."""
