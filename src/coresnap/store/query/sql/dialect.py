"""What differs between the SQL of DuckDB and of ClickHouse."""

from __future__ import annotations

from typing import Protocol

from coresnap.store.fault import Value
from coresnap.store.query.query import TimeUnit

__all__ = ["Dialect"]


class Dialect(Protocol):
    """SQL of one engine. Arguments and results are SQL; NULL gives NULL."""

    def placeholder(self, name: str, value: Value) -> str:
        """Return what stands for a parameter."""

    def matches(self, text: str, pattern: str) -> str:
        """Whether RE2 finds ``pattern`` in a text."""

    def contains(self, text: str, part: str) -> str:
        """Whether a text has another in it."""

    def words(self, text: str) -> str:
        """Return an array of the words of labels: what spaces separate, no empty ones.

        A label counts once in a fault.
        """

    def unnest(self, array: str) -> str:
        """Return a SELECT item that makes a row of each element."""

    def integer_of_text(self, text: str) -> str:
        """BIGINT of a text that is ``-?[0-9]+`` and fits, else NULL."""

    def number_of_text(self, text: str) -> str:
        """DOUBLE of a text that ``values.as_number`` takes, else NULL."""

    def double(self, number: str) -> str:
        """DOUBLE of a BIGINT."""

    def integer(self, double: str) -> str:
        """BIGINT of a DOUBLE that has no fraction and fits."""

    def first_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the least order."""

    def last_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the greatest order."""

    def exact_sum(self, integer: str) -> str:
        """Aggregate: the sum of BIGINTs, in 128 bits."""

    def text_of_sum(self, total: str) -> str:
        """Return the decimal text of what ``exact_sum`` gives."""

    def sum_as_double(self, total: str) -> str:
        """DOUBLE of what ``exact_sum`` gives."""

    def truncated(self, time: str, unit: TimeUnit) -> str:
        """Seconds UTC of the beginning of a time's unit, in UTC, from 0 to 2**32 - 1.

        Only ``month``, ``quarter`` and ``year`` are asked for.
        """
