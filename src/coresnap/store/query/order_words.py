"""What is sorted by, and conditions on groups, as words of a command line.

::

    --sort=-count  --sort=-unique:hostname  --sort='-timestamp;1'  --sort=';group'
    --having='count>=10'  --having='unique:hostname>5'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from coresnap.errors import QueryError
from coresnap.store.query.filter_words import SIGNS
from coresnap.store.query.fold_words import FOLDS
from coresnap.store.query.query import Fold, Having, Operator, Order, OrderBy

__all__ = ["parse_having", "parse_order"]

_HAVING = re.compile(
    r"\s*(?P<what>[^\s=!<>]+)\s*(?P<sign>!=|==|>=|<=|=|>|<)(?P<value>.*)"
)
_SINGLE_VALUED = "head, tail, unique, count, sum, mean, min, max, range, object"


def parse_order(
    word: str,
    *,
    group: Sequence[str] = (),
    folds: Sequence[Fold] = (),
    select: Sequence[str] = (),
) -> Order:
    """Return the order of ``[-]WHAT``; ``-`` is for the largest first.

    WHAT is an attribute for selected rows. For groups it is ``count``, ``group`` or an
    attribute of the key, ``FOLD:ATTRIBUTE``, or an attribute that a fold has; also
    ``;count``, ``;group`` and ``ATTRIBUTE;INDEX`` of that attribute's folds. After
    ``[…]`` stands which value of a range. Raises QueryError for anything else.
    """
    descending = word.startswith("-")
    what = word.removeprefix("-")
    if select:
        return Order(OrderBy.ATTRIBUTE, descending, attribute=what)
    if what in ("count", ";count"):
        return Order(OrderBy.COUNT, descending)
    if what in ("group", ";group") and what not in group:
        return Order(OrderBy.KEY, descending)
    if what in group:
        return Order(OrderBy.KEY, descending, part=list(group).index(what))
    fold, part = _find_fold(what, folds)
    return Order(OrderBy.FOLD, descending, fold=fold, part=part)


def parse_having(word: str, folds: Sequence[Fold] = ()) -> Having:
    """Return the condition of ``WHAT SIGN VALUE``: ``count>=10``.

    WHAT is ``count`` or a fold, as for ``parse_order``. Raises QueryError for anything
    else.
    """
    match = _HAVING.fullmatch(word)
    if not match:
        raise QueryError(
            f"not a condition on groups: {word}",
            remedy="Write it as count>=10 or unique:hostname>5.",
        )
    operator = Operator.EQUAL if match["sign"] == "==" else SIGNS[match["sign"]][0]
    value = match["value"].strip()
    if match["what"] in ("count", ";count"):
        return Having(operator, value)
    fold, part = _find_fold(match["what"], folds)
    return Having(operator, value, fold=fold, part=part)


def _find_fold(what: str, folds: Sequence[Fold]) -> tuple[int, int]:
    """Return index of a fold and of the value in it."""
    part = 0
    if match := re.fullmatch(r"(.*)\[([01])\]", what):
        what, part = match[1], int(match[2])
    for index, fold in enumerate(_candidates(what, folds)):
        if fold is not None:
            return index, part
    raise QueryError(
        f"there is no fold {what} to sort or choose by",
        remedy=(
            f"Name one that the query has, as --sort=-unique:hostname with "
            f"--unique=hostname ({_SINGLE_VALUED})."
        ),
    )


def _candidates(what: str, folds: Sequence[Fold]) -> list[Fold | None]:
    """Return the folds that ``what`` names, None in the place of the others."""
    attribute, separator, index = what.rpartition(";")
    if separator:
        places = [i for i, fold in enumerate(folds) if fold.attribute == attribute]
        chosen = int(index) if index.isascii() and index.isdigit() else len(places)
        place = places[chosen] if chosen < len(places) else None
        return [fold if i == place else None for i, fold in enumerate(folds)]
    name, separator, attribute = what.partition(":")
    if separator:
        wanted = FOLDS.get(name)
        return [
            fold if fold.name is wanted and fold.attribute == attribute else None
            for fold in folds
        ]
    return [fold if fold.attribute == what else None for fold in folds]
