"""What goes wrong with single files, where the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from coresnap.errors import (
    AccessError,
    ConflictError,
    CoresnapError,
    InputError,
    MissingError,
    UsageError,
)
from coresnap.views.cli.output import complain, emit, error_body

__all__ = ["OF_ONE_FILE", "SingleFailures", "emit_outcome"]

OF_ONE_FILE = (AccessError, ConflictError, InputError, MissingError, UsageError)
"""What may be wrong with one file and not with the next. An error of the store, which
would be the same for all, ends the command."""
_DIFFERENT = 1


@attrs.define
class SingleFailures:
    """Remembers how files failed, and says it."""

    _codes: set[int] = attrs.field(factory=set)

    def add(self, path: Path, error: CoresnapError) -> None:
        """Say on standard error what failed, with the file's name."""
        named = str(error) if str(path) in str(error) else f"{path}: {error}"
        complain(named, error.remedy, "coroner")
        self._codes.add(error.exit_code)

    @property
    def exit_code(self) -> int:
        """That of all failures; 1 if they differ, 0 if there are none."""
        if len(self._codes) > 1:
            return _DIFFERENT
        return next(iter(self._codes), 0)


def emit_outcome(
    path: Path, facts: dict[str, Any], error: CoresnapError | None
) -> None:
    """Print what became of a file as a line of JSON."""
    body = {"file": str(path), **facts}
    if error is not None:
        body["error"] = error_body(error)
    emit(json.dumps(body) + "\n")
