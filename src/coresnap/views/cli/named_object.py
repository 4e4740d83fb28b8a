"""Python objects that are named on the command line as entry points name them."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from coresnap.errors import UsageError

__all__ = ["named_object"]


def named_object(name: str, kind: str, example: str) -> Any:  # noqa: ANN401 - any object
    """Import ``MODULE:NAME``; ``kind`` and ``example`` are for people.

    The current directory is searched as well. Raises UsageError if there is none.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise UsageError(
            f"{name!r} names no {kind}",
            remedy=f"Give a module and a function: {example}",
        )
    # The command of a package's script directory does not look there by itself.
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"there is no {kind} {name}: {error}") from error
