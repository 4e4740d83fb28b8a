"""Our executables: processes that begin and end with a command."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

__all__ = ["run_coroner", "run_process"]


def run_process() -> NoReturn:
    """Run the command of ``coresnap`` that the process's words ask for, and end."""
    _begin()
    from coresnap.views.cli.main import main

    _leave(main())


def run_coroner() -> NoReturn:
    """Run the command of ``coroner`` that the process's words ask for, and end."""
    _begin()
    from coresnap.views.cli.coroner.program import CORONER
    from coresnap.views.cli.main import main

    _leave(main(program=CORONER))


def _begin() -> None:
    # A snapshot is a tree of a hundred thousand objects without cycles: looking for
    # some costs 15 % of an analysis, and 15 ms at the interpreter's end. Before the
    # imports, for which it costs 0.4 ms.
    gc.disable()
    _prepare_imports()


def _prepare_imports() -> None:
    import argparse

    from coresnap.views.cli.module_archive import import_from_archive
    from coresnap.views.cli.unneeded_modules import load_when_used

    # argparse asks for translations of its words. Python has none of them, and to see
    # that imports locale and looks through directories: 1 ms of a small core's 70.
    argparse._ = str  # type: ignore[attr-defined]
    load_when_used()
    import_from_archive(sys.modules["coresnap"].__path__[0])


def _leave(code: int) -> NoReturn:
    # Nothing is left to do, and the interpreter would take 5 to 50 ms to free what the
    # system takes back at once.
    import contextlib

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
