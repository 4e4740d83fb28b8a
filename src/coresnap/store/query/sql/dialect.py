"""What differs between the SQL of DuckDB and of ClickHouse."""

from __future__ import annotations

from typing import Protocol

from coresnap.store.fault import Value
from coresnap.store.query.query import TimeUnit

__all__ = ["INTEGER_TEXT", "NUMBER_TEXT", "Dialect"]

INTEGER_TEXT = "^-?[0-9]{1,19}$"
"""What ``values.as_integer`` takes, beside its bounds; for RE2."""
NUMBER_TEXT = r"^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?$"
"""What ``values.as_number`` takes, beside its bounds; for RE2."""


class Dialect(Protocol):
    """SQL of one engine. Arguments and results are SQL; NULL gives NULL."""

    @property
    def settings(self) -> str:
        """What stands at the end of each statement."""

    @property
    def keeps_rows(self) -> bool:
        """Whether it takes ``WITH … AS MATERIALIZED``, and reads such rows once."""

    def placeholder(self, name: str, value: Value) -> str:
        """Return what stands for a parameter."""

    def matches(self, text: str, pattern: str) -> str:
        """Whether RE2 finds ``pattern`` in a text."""

    def contains(self, text: str, part: str) -> str:
        """Whether a text has another in it."""

    def words(self, text: str) -> str:
        """SELECT item that makes a row of each different piece between spaces.

        Pieces may be empty. A label counts once in a fault.
        """

    def position(self, value: str, values: list[str]) -> str:
        """Index of a text in a list, from 1; 0 or NULL if it is not there."""

    def integer_of_text(self, text: str) -> str:
        """BIGINT of a text that ``values.as_integer`` takes, else NULL."""

    def number_of_text(self, text: str) -> str:
        """DOUBLE of a text that ``values.as_number`` takes, else NULL."""

    def double(self, number: str) -> str:
        """DOUBLE of a BIGINT, or of what ``exact_sum`` gives."""

    def integer(self, double: str) -> str:
        """BIGINT of a DOUBLE that has no fraction and fits."""

    def is_finite(self, double: str) -> str:
        """Whether a DOUBLE is a number."""

    def first_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the least order."""

    def last_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the greatest order."""

    def exact_sum(self, integer: str) -> str:
        """Aggregate: the sum of BIGINTs, in 128 bits; NULL of none."""

    def sum_of_doubles(self, double: str) -> str:
        """Aggregate: the sum, with compensation for what rounding loses."""

    def text(self, number: str) -> str:
        """Decimal text of what ``exact_sum`` gives."""

    def calendar_start(self, time: str, unit: TimeUnit) -> str:
        """Seconds UTC at which the month, quarter or year of a time begins, in UTC.

        The time is of 0 to 2**32 - 1.
        """
