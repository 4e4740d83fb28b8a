"""SQL of DuckDB, 1.3 and later."""

from __future__ import annotations

from coresnap.store.fault import Value
from coresnap.store.query.query import TimeUnit
from coresnap.store.query.sql.dialect import INTEGER_TEXT, NUMBER_TEXT

__all__ = ["DuckDBDialect"]


class DuckDBDialect:
    """Implements ``Dialect``."""

    settings = ""
    keeps_rows = True

    def placeholder(self, name: str, value: Value) -> str:
        """Return ``$p0``: its type is that of the value."""
        return f"${name}"

    def matches(self, text: str, pattern: str) -> str:
        """Whether RE2 finds ``pattern`` in a text."""
        return f"regexp_matches({text}, {pattern})"

    def contains(self, text: str, part: str) -> str:
        """Whether a text has another in it."""
        return f"contains({text}, {part})"

    def words(self, text: str) -> str:
        """SELECT item that makes a row of each different piece between spaces."""
        return f"unnest(list_distinct(string_split({text}, ' ')))"

    def position(self, value: str, values: list[str]) -> str:
        """Index of a text in a list, from 1; NULL if it is not there."""
        return f"list_position([{', '.join(values)}]::VARCHAR[], {value})"

    def integer_of_text(self, text: str) -> str:
        """BIGINT of a text that ``values.as_integer`` takes, else NULL."""
        # TRY_CAST alone takes '1.5', ' 1' and '1_000', too
        return (
            f"CASE WHEN regexp_matches({text}, '{INTEGER_TEXT}') "
            f"THEN TRY_CAST({text} AS BIGINT) END"
        )

    def number_of_text(self, text: str) -> str:
        """DOUBLE of a text that ``values.as_number`` takes, else NULL."""
        return (
            f"CASE WHEN regexp_matches({text}, '{NUMBER_TEXT}') "
            f"AND isfinite(TRY_CAST({text} AS DOUBLE)) "
            f"THEN CASE WHEN TRY_CAST({text} AS DOUBLE) = 0 THEN 0.0::DOUBLE "
            f"ELSE TRY_CAST({text} AS DOUBLE) END END"
        )

    def double(self, number: str) -> str:
        """DOUBLE of a BIGINT, or of what ``exact_sum`` gives."""
        return f"CAST({number} AS DOUBLE)"

    def integer(self, double: str) -> str:
        """BIGINT of a DOUBLE that has no fraction and fits."""
        return f"CAST({double} AS BIGINT)"

    def is_finite(self, double: str) -> str:
        """Whether a DOUBLE is a number."""
        return f"isfinite({double})"

    def first_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the least order."""
        return f"arg_min({value}, {order}) FILTER (WHERE {value} IS NOT NULL)"

    def last_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the greatest order."""
        return f"arg_max({value}, {order}) FILTER (WHERE {value} IS NOT NULL)"

    def exact_sum(self, integer: str) -> str:
        """Aggregate: the sum of BIGINTs, in 128 bits; NULL of none."""
        return f"sum({integer})"

    def sum_of_doubles(self, double: str) -> str:
        """Aggregate: the sum, with compensation for what rounding loses."""
        return f"fsum({double})"

    def text(self, number: str) -> str:
        """Decimal text of what ``exact_sum`` gives."""
        return f"CAST({number} AS VARCHAR)"

    def calendar_start(self, time: str, unit: TimeUnit) -> str:
        """Seconds UTC at which the month, quarter or year of a time begins, in UTC."""
        moment = f"make_timestamp(({time}) * 1000000)"
        return f"CAST(epoch(date_trunc('{unit}', {moment})) AS BIGINT)"
