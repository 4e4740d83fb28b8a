"""Where coresnap is imported from: ``src``, or what it is installed in.

A program that a test starts has to find the same: a fresh clone's ``src`` has nothing
compiled, and what runs with the pure-Python twins names no functions and lines.
"""

from __future__ import annotations

from pathlib import Path

import coresnap

__all__ = ["SOURCE"]

SOURCE = Path(coresnap.__file__).parents[1]
