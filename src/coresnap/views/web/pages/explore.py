"""Any question about faults: narrowed, grouped, folded and sorted by clicking."""

from __future__ import annotations

import time
from typing import Any

from coresnap.errors import UsageError
from coresnap.store.query.result import Result
from coresnap.store.server.call import Content
from coresnap.views.web.address import Address
from coresnap.views.web.attributes import known_attributes
from coresnap.views.web.explore.answer import Table, table_of
from coresnap.views.web.explore.question import ROWS, Question, with_clicked
from coresnap.views.web.groups.period import PERIODS
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_SIGNS = {
    "=": "is",
    "!=": "is not",
    "~": "matches (expression)",
    "!~": "does not match",
    "contains": "contains",
    "not-contains": "does not contain",
    ">=": "is at least",
    "<=": "is at most",
    ">": "is greater than",
    "<": "is less than",
    "is-set": "is set",
    "is-not-set": "is not set",
}
_FOLDS = ("histogram", "unique", "range", "min", "max", "mean", "sum", "last", "bin")
_EMPTY = Result(())


def _explore(visit: Visit) -> Shown | Redirect | Content:
    here = Address.of(f"{visit.base}/explore", visit.query)
    try:
        clicked = with_clicked(visit, here)
        if clicked is not None:
            return Redirect(str(clicked))
        question = Question.of(visit, int(time.time()))
        found: Result = visit.ask("query", body=question.query)
    except UsageError as error:
        return _shown(visit, here, None, _EMPTY, f"{error}. {error.remedy}".strip())
    return _shown(visit, here, question, found)


def _shown(
    visit: Visit,
    here: Address,
    question: Question | None,
    found: Result,
    error: str = "",
) -> Shown:
    known = known_attributes(visit)
    table = Table((), (), ())
    if question is not None:
        table = table_of(question, found, known, here)
    context: dict[str, Any] = {
        "here": here,
        "words": here.values("filter"),
        "groups": here.values("group"),
        "folds": here.values("fold"),
        "columns": here.values("column"),
        "sorts": here.values("sort"),
        "periods": PERIODS,
        "chosen_age": visit.one("age"),
        "attributes": sorted(known),
        "signs": _SIGNS,
        "fold_names": _FOLDS,
        "question": question,
        "table": table,
        "found": found,
        "first": question.offset + 1 if question else 1,
        "next": _next(here, question, found),
        "error": error,
    }
    return Shown("explore.html", context, 400 if error else 200)


def _next(here: Address, question: Question | None, found: Result) -> str:
    """Return the address of the next page; empty for the last one."""
    if question is None or question.offset + ROWS >= found.total:
        return ""
    until = here.with_("until", found.until)
    return str(until.with_("offset", question.offset + ROWS))


PAGES = (Page(f"{SCOPE}/explore", _explore),)
