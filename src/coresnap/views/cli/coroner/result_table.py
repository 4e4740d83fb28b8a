"""Any answer as text, as a table, and as comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.errors import ConfigError
from coresnap.snapshot.escape import printable
from coresnap.store.api.queries import DESCRIBE
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.presentation import present
from coresnap.store.query.query import FoldName
from coresnap.store.query.result import Buckets, FoldValue
from coresnap.views.cli.coroner.group_list import bar
from coresnap.views.cli.coroner.store_options import NEEDED
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.fault import Value
    from coresnap.store.query.query import Query
    from coresnap.store.query.result import Group, Result

__all__ = ["as_csv", "plain", "print_result"]

_COUNTING = (FoldName.UNIQUE, FoldName.COUNT)
_NAME = 44


def as_csv(query: Query, result: Result) -> str:
    """Return the answer as values that a spreadsheet reads (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    if query.select:
        writer.writerow(result.columns)
        writer.writerows(map(plain, row.values) for row in result.rows)
    else:
        folds = (f"{fold.name}:{fold.attribute}" for fold in query.folds)
        writer.writerow([*result.columns, "count", *folds])
        for group in result.groups:
            cells = (_plain_fold(value) for value in group.folds)
            writer.writerow([*map(plain, group.key), group.count, *cells])
    return text.getvalue()


def plain(value: Value | None) -> str:
    """Return a value for a cell; empty for an unset one.

    Lines stay lines, as of stacks; what else is not plainly visible is escaped.
    """
    text = "" if value is None else str(value)
    text = "\n".join(map(printable, text.split("\n")))
    # A spreadsheet would run what a process has named so (OWASP, CSV injection).
    return f"'{text}" if text[:1] in ("=", "+", "@") else text


def _plain_fold(value: FoldValue) -> str:
    if isinstance(value, Buckets):
        pairs = zip(value.keys, value.counts, strict=True)
        return ";".join(f"{plain(key)}={count}" for key, count in pairs)
    if isinstance(value, tuple):
        return "..".join(map(plain, value))
    return plain(value)


def print_result(
    client: Client, query: Query, result: Result, *, as_table: bool
) -> None:
    """Print the answer for people, its values as their formats want them."""
    known = {
        one.name: Attribute(one.name, Kind(one.kind), one.format, one.unit)
        for one in client.call(DESCRIBE).attributes
    }
    shown = _Shown(query, result, known)
    if as_table:
        shown.print_table()
    elif query.select:
        emit("".join(f"{line}\n" for line in shown.rows()))
    else:
        emit("".join(f"{line}\n" for line in shown.groups()))


class _Shown:
    def __init__(
        self, query: Query, result: Result, known: dict[str, Attribute]
    ) -> None:
        self._query = query
        self._result = result
        self._known = known

    def rows(self) -> Iterator[str]:
        columns = self._result.columns
        width = max(map(len, columns), default=0)
        for number, row in enumerate(self._result.rows):
            if number:
                yield ""
            for name, value in zip(columns, row.values, strict=True):
                if value is not None:
                    yield f"{name:<{width}}  {self._text(name, value)}"

    def groups(self) -> Iterator[str]:
        for group in self._result.groups:
            yield f"{self._key(group)}  {group.count}"
            for fold, value in zip(self._query.folds, group.folds, strict=True):
                yield from self._fold(fold.name, fold.attribute, value, group.count)

    def _key(self, group: Group) -> str:
        texts = (
            "(unset)" if value is None else self._text(name, value)
            for name, value in zip(self._result.columns, group.key, strict=True)
        )
        return "  ".join(texts) or "all"

    def _fold(
        self, fold: FoldName, name: str, value: FoldValue, total: int
    ) -> Iterator[str]:
        heading = f"  {fold}({printable(name)})"
        if isinstance(value, Buckets):
            yield f"{heading}:"
            yield from self._buckets(name, value, total)
        elif isinstance(value, tuple):
            ends = ("?" if end is None else self._text(name, end) for end in value)
            yield f"{heading}: {' … '.join(ends)}"
        elif value is None:
            yield f"{heading}: (unset)"
        elif fold in _COUNTING:
            yield f"{heading}: {value}"
        else:
            yield f"{heading}: {self._text(name, value)}"

    def _buckets(self, name: str, buckets: Buckets, total: int) -> Iterator[str]:
        for key, count in zip(buckets.keys, buckets.counts, strict=True):
            share = count / total if total else 0
            text = self._text(name, key)[:_NAME]
            yield f"    {text:<{_NAME}} {count:>7} {share:>7.2%} {bar(share)}"
        if buckets.rest:
            text = f"({buckets.others} others)"
            share = buckets.rest / total if total else 0
            yield f"    {text:<{_NAME}} {buckets.rest:>7} {share:>7.2%}"

    def _text(self, name: str, value: Value) -> str:
        attribute = self._known.get(name)
        return printable(str(value)) if attribute is None else present(value, attribute)

    def print_table(self) -> None:
        try:
            from rich.console import Console
            from rich.table import Table
            from rich.text import Text
        except ImportError as error:
            raise ConfigError("rich is not installed", remedy=NEEDED) from error
        table = Table()
        for name in self._headings():
            table.add_column(printable(name))
        for cells in self._cells():
            # Text, not str: rich would take brackets in it for markup.
            table.add_row(*(Text(cell) for cell in cells))
        console = Console(file=io.StringIO(), width=None, highlight=False)
        with console.capture() as captured:
            console.print(table)
        emit(captured.get())

    def _headings(self) -> list[str]:
        if self._query.select:
            return list(self._result.columns)
        folds = (f"{fold.name}({fold.attribute})" for fold in self._query.folds)
        return [*self._result.columns, "count", *folds]

    def _cells(self) -> Iterator[list[str]]:
        names = self._result.columns
        for row in self._result.rows:
            yield [
                "" if value is None else self._text(name, value)
                for name, value in zip(names, row.values, strict=True)
            ]
        for group in self._result.groups:
            key = [
                "" if value is None else self._text(name, value)
                for name, value in zip(names, group.key, strict=True)
            ]
            folds = [printable(_plain_fold(value)) for value in group.folds]
            yield [*key, str(group.count), *folds]
