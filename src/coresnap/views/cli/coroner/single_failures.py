"""What goes wrong with single files, where the others go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import attrs

from coresnap.errors import (
    AccessError,
    ConflictError,
    CoresnapError,
    DeniedError,
    InputError,
    MissingError,
    UsageError,
)
from coresnap.views.cli.output import complain, emit, error_body

__all__ = ["OF_ONE_FILE", "SingleFailures", "send_each"]

OF_ONE_FILE = (AccessError, ConflictError, InputError, MissingError, UsageError)
"""What may be wrong with one file and not with the next. An error of the store, which
would be the same for all, ends the command."""
_DIFFERENT = 1

AnswerT = TypeVar("AnswerT")


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


def send_each(
    paths: Iterable[Path],
    send: Callable[[Path], tuple[AnswerT, CoresnapError | None]],
    told: Callable[[Path, AnswerT], str],
    *,
    as_json: bool,
) -> int:
    """Send files, say what became of each, and return the command's exit code.

    ``send`` returns the store's answer, and what failed after it; what it raises of
    ``OF_ONE_FILE`` does not keep the others from being sent. ``told`` makes the answer
    text; JSON is a line for each file.
    """
    failures = SingleFailures()
    for path in paths:
        answer: AnswerT | None = None
        failure: CoresnapError | None = None
        try:
            answer, failure = send(path)
        except DeniedError:
            raise
        except OF_ONE_FILE as error:
            failure = error
        if as_json:
            _emit_outcome(path, answer, failure)
        elif answer is not None:
            emit(told(path, answer))
        if failure is not None:
            failures.add(path, failure)
    return failures.exit_code


def _emit_outcome(path: Path, answer: object, error: CoresnapError | None) -> None:
    import msgspec

    facts = {} if answer is None else msgspec.to_builtins(answer)
    body = {"file": str(path), **facts}
    if error is not None:
        body["error"] = error_body(error)
    emit(json.dumps(body) + "\n")
