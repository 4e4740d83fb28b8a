"""Faults as people name them: by the start of an object id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coresnap.errors import MissingError, UsageError

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

__all__ = ["find_object"]

_LENGTH = 32
_SHOWN = 5


def find_object(client: Client, name: str) -> str:
    """Return the object id that ``name`` is, or begins.

    Raises UsageError if several begin so or none can, MissingError if none does.
    """
    digits = name.replace("-", "").rstrip(".").lower()
    if not re.fullmatch(f"[0-9a-f]{{1,{_LENGTH}}}", digits):
        raise UsageError(
            f"{name!r} is not the start of an object id",
            remedy="`coroner list PROJECT -i` shows ids: 32 hexadecimal digits.",
        )
    if len(digits) == _LENGTH:
        return digits
    from coresnap.store.api.queries import QUERY
    from coresnap.store.query.query import Condition, Operator, Query

    begins = Condition("object", Operator.REGULAR_EXPRESSION, f"^{digits}")
    query = Query(filter=begins, select=("object",), limit=_SHOWN)
    found = [str(row.values[0]) for row in client.call(QUERY, query).rows]
    if not found:
        raise MissingError(
            f"no fault's id begins with {digits}",
            remedy=f"`coroner list {client.project} -i` shows those of each group.",
        )
    if len(found) > 1:
        raise UsageError(
            f"{digits} begins several ids: {', '.join(found)}",
            remedy="Give more digits.",
        )
    return found[0]
