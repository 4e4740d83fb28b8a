"""From the fields of an address to a query, and back to other addresses."""

from __future__ import annotations

import attrs

from coresnap.errors import UsageError
from coresnap.store.query.filter_words import SIGNS
from coresnap.store.query.fold_words import parse_fold
from coresnap.store.query.order_words import parse_order
from coresnap.store.query.query import Fold, Order, Query
from coresnap.views.web.address import Address
from coresnap.views.web.groups.narrowing import Narrowing
from coresnap.views.web.page import Visit

__all__ = ["ROWS", "Question", "with_clicked"]

ROWS = 50
_COLUMNS = ("timestamp", "application", "hostname", "classifiers")
_MOST_FIELDS = 16
_CLICKED = ("attribute", "sign", "value", "fold_name", "fold_of")


@attrs.frozen
class Question:
    """What is asked: which faults, and what of them."""

    narrowing: Narrowing
    group: tuple[str, ...]
    """Attributes that faults are grouped by."""
    folds: tuple[Fold, ...]
    fold_words: tuple[str, ...]
    columns: tuple[str, ...]
    """Of single faults, where nothing is grouped or folded."""
    order: tuple[Order, ...]
    offset: int
    until: int | None

    @classmethod
    def of(cls, visit: Visit, now: int) -> Question:
        """Read the address; raise UsageError (QueryError) for what makes no sense."""
        query = visit.query
        group = _names(query.get("group", ()))
        words = _names(query.get("fold", ()))
        folds = tuple(parse_fold(word) for word in words)
        columns = () if group or folds else _names(query.get("column", ())) or _COLUMNS
        sort = _names(query.get("sort", ()))
        return cls(
            narrowing=Narrowing.of(visit, now),
            group=group,
            folds=folds,
            fold_words=words,
            columns=columns,
            order=tuple(
                parse_order(word, group=group, folds=folds, select=columns)
                for word in sort
            ),
            offset=visit.number("offset") or 0,
            until=visit.number("until"),
        )

    @property
    def query(self) -> Query:
        """What is asked of the store."""
        return Query(
            filter=self.narrowing.filter(),
            group=self.group,
            folds=self.folds,
            select=("object", *self.columns) if self.columns else (),
            order=self.order,
            limit=ROWS,
            offset=self.offset,
            until=self.until,
        )


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(v.strip() for v in values if v.strip()))
    if len(found) > _MOST_FIELDS:
        raise UsageError(f"a question has {_MOST_FIELDS} of each at most")
    return found


def with_clicked(visit: Visit, here: Address) -> Address | None:
    """Return the address with what was chosen in a form; None if nothing was.

    The form for a condition sends ``attribute``, ``sign`` and ``value``; that for a
    fold ``fold_name`` and ``fold_of``. Raises UsageError.
    """
    clean = here
    for name in _CLICKED:
        clean = clean.with_(name)
    if attribute := visit.one("attribute").strip():
        clean = clean.adding("filter", _condition(visit, attribute))
    elif fold_of := visit.one("fold_of").strip():
        clean = clean.adding("fold", f"{visit.one('fold_name')}:{fold_of}")
    return None if clean == here else clean.with_("offset").with_("until")


def _condition(visit: Visit, attribute: str) -> str:
    sign, value = visit.one("sign"), visit.one("value")
    if sign in ("is-set", "is-not-set"):
        return f"{attribute},{sign}"
    if sign in ("contains", "not-contains"):
        return f"{attribute},{sign},{value}"
    if sign not in SIGNS:
        raise UsageError(f"conditions do not compare with {sign[:20]!r}")
    return f"{attribute}{sign}{value}"
