"""Standard output and standard error of the commands."""

from __future__ import annotations

import io
import os
import sys

from coresnap.errors import CoresnapError, StorageError
from coresnap.snapshot.escape import printable

__all__ = ["abandon_output", "accept_any_text", "complain", "emit", "error_body"]


def accept_any_text() -> None:
    """Let any text be printed, whatever encoding the locale asks for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(text: str = "") -> None:
    """Write ``text`` to standard output and flush it.

    Raises StorageError if that is not possible (a full disk behind ``>``), and
    BrokenPipeError if the reader has gone, which ``main`` takes as the end.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_output()
        reason = error.strerror or str(error)
        raise StorageError(f"cannot write to standard output: {reason}") from error


def complain(message: str, remedy: str, program: str = "coresnap") -> None:
    """Say on standard error what failed and what to try."""
    lines = [f"{program}: {printable(message)}"]
    lines += [f"  {printable(line)}" for line in remedy.splitlines()]
    print("\n".join(lines), file=sys.stderr)


def error_body(error: CoresnapError) -> dict[str, str | int]:
    """Return an error as commands print it with ``--json``."""
    return {
        "class": type(error).__name__,
        "message": str(error),
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }


def abandon_output() -> None:
    """Make the interpreter's last flush of a dead standard output succeed."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
