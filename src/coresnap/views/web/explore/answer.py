"""An answer as cells, each with where a click on it leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.presentation import present
from coresnap.store.fault import Value
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.result import Buckets, FoldValue, Group, Result
from coresnap.views.web.address import Address
from coresnap.views.web.explore.question import Question
from coresnap.views.web.groups.narrowing import condition_word

__all__ = ["Cell", "Table", "table_of"]

_SHOWN = 6
_LONGEST_LINK = 500
_COUNTS = (FoldName.UNIQUE, FoldName.COUNT)


@attrs.frozen
class Cell:
    """One value of an answer."""

    text: str
    link: str = ""
    """Narrows the question to the value; empty: nothing does."""
    parts: tuple[tuple[str, int, str], ...] = ()
    """Of a histogram: values with their counts and links."""
    is_number: bool = False


@attrs.frozen
class Table:
    """An answer in rows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    objects: tuple[str, ...]
    """Of single faults: their ids, one for each row."""


def table_of(
    question: Question, found: Result, known: Mapping[str, Attribute], here: Address
) -> Table:
    """Return what was answered to a question."""
    if question.columns:
        rows = tuple(
            _fault(question, one.values[1:], known, here) for one in found.rows
        )
        objects = tuple(str(row.values[0]) for row in found.rows)
        return Table(question.columns, rows, objects)
    heads = (*question.group, "faults", *question.fold_words)
    groups = tuple(_group(question, one, known, here) for one in found.groups)
    return Table(heads, groups, ())


def _fault(
    question: Question,
    values: Sequence[Value | None],
    known: Mapping[str, Attribute],
    here: Address,
) -> tuple[Cell, ...]:
    pairs = zip(question.columns, values, strict=True)
    return tuple(_value(known, name, value, here) for name, value in pairs)


def _group(
    question: Question, group: Group, known: Mapping[str, Attribute], here: Address
) -> tuple[Cell, ...]:
    keys = zip(question.group, group.key, strict=True)
    cells = [_value(known, name, value, here, is_key=True) for name, value in keys]
    cells.append(Cell(f"{group.count}", is_number=True))
    folds = zip(question.folds, group.folds, strict=True)
    cells += [_fold(known, fold, value, here) for fold, value in folds]
    return tuple(cells)


def _value(
    known: Mapping[str, Attribute],
    name: str,
    value: Value | None,
    here: Address,
    *,
    is_key: bool = False,
) -> Cell:
    attribute = known.get(name) or Attribute(name, Kind.TEXT)
    if value is None:
        link = str(_narrowed(here, f"{name},is-not-set")) if is_key else ""
        return Cell("–", link)
    is_number = not isinstance(value, str)
    return Cell(present(value, attribute), _link(here, attribute, value), (), is_number)


def _link(here: Address, attribute: Attribute, value: Value) -> str:
    word = condition_word(attribute.name, value)
    if attribute.kind is Kind.LABELS and " " not in str(value):
        word = f"{attribute.name},contains,{value}"
    return str(_narrowed(here, word)) if len(word) <= _LONGEST_LINK else ""


def _narrowed(here: Address, word: str) -> Address:
    return here.adding("filter", word).with_("offset").with_("until")


def _fold(
    known: Mapping[str, Attribute], fold: Fold, value: FoldValue, here: Address
) -> Cell:
    attribute = known.get(fold.attribute) or Attribute(fold.attribute, Kind.TEXT)
    if value is None:
        return Cell("–")
    if isinstance(value, Buckets):
        return Cell("", parts=tuple(_parts(attribute, fold, value, here)))
    if isinstance(value, tuple):
        ends = [present(end, attribute) for end in value if end is not None]
        return Cell(" – ".join(dict.fromkeys(ends)))
    if fold.name in _COUNTS:
        return Cell(str(value), is_number=True)
    return Cell(present(value, attribute), is_number=not isinstance(value, str))


def _parts(
    attribute: Attribute, fold: Fold, buckets: Buckets, here: Address
) -> Iterator[tuple[str, int, str]]:
    """Yield the most frequent values, and what is left as one."""
    is_interval = fold.name in (FoldName.BIN, FoldName.QUANTIZE)
    pairs = list(zip(buckets.keys, buckets.counts, strict=True))
    shown = pairs if is_interval else pairs[:_SHOWN]
    for key, count in shown:
        link = "" if is_interval else _link(here, attribute, key)
        yield present(key, attribute), count, link
    rest = buckets.rest + sum(count for _, count in pairs[len(shown) :])
    if rest:
        yield "others", rest, ""
