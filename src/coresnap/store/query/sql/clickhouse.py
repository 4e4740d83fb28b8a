"""SQL of ClickHouse, 24.8 and later."""

from __future__ import annotations

from coresnap.store.fault import Value
from coresnap.store.query.query import TimeUnit
from coresnap.store.query.sql.dialect import INTEGER_TEXT, NUMBER_TEXT

__all__ = ["ClickHouseDialect"]

_STARTS = {
    TimeUnit.MONTH: "toStartOfMonth",
    TimeUnit.QUARTER: "toStartOfQuarter",
    TimeUnit.YEAR: "toStartOfYear",
}
_TYPES: dict[type, str] = {int: "Int64", float: "Float64", str: "String"}


class ClickHouseDialect:
    """Implements ``Dialect``."""

    # without it a text may become the double beside the nearest one
    settings = " SETTINGS precise_float_parsing = 1, join_use_nulls = 1"
    keeps_rows = False

    def placeholder(self, name: str, value: Value) -> str:
        """Return ``{p0:Int64}``, with the type of the value."""
        return f"{{{name}:{_TYPES[type(value)]}}}"

    def matches(self, text: str, pattern: str) -> str:
        """Whether RE2 finds ``pattern`` in a text."""
        return f"match({text}, {pattern})"

    def contains(self, text: str, part: str) -> str:
        """Whether a text has another in it."""
        return f"position({text}, {part}) > 0"

    def words(self, text: str) -> str:
        """SELECT item that makes a row of each different piece between spaces."""
        return f"arrayJoin(arrayDistinct(splitByChar(' ', assumeNotNull({text}))))"

    def position(self, value: str, values: list[str]) -> str:
        """Index of a text in a list, from 1; 0 if it is not there."""
        return f"indexOf([{', '.join(values)}], {value})"

    def integer_of_text(self, text: str) -> str:
        """BIGINT of a text that ``values.as_integer`` takes, else NULL."""
        return f"if(match({text}, '{INTEGER_TEXT}'), toInt64OrNull({text}), NULL)"

    def number_of_text(self, text: str) -> str:
        """DOUBLE of a text that ``values.as_number`` takes, else NULL."""
        number = f"toFloat64OrNull({text})"
        pattern = NUMBER_TEXT.replace("\\", "\\\\")
        return (
            f"if(match({text}, '{pattern}') AND isFinite({number}), "
            f"if({number} = 0, 0., {number}), NULL)"
        )

    def double(self, number: str) -> str:
        """DOUBLE of a BIGINT, or of what ``exact_sum`` gives."""
        return f"toFloat64({number})"

    def integer(self, double: str) -> str:
        """BIGINT of a DOUBLE that has no fraction and fits."""
        return f"toInt64({double})"

    def is_finite(self, double: str) -> str:
        """Whether a DOUBLE is a number."""
        return f"isFinite({double})"

    def first_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the least order."""
        return f"argMinIf({value}, {order}, {value} IS NOT NULL)"

    def last_by(self, value: str, order: str) -> str:
        """Aggregate: the value, of those that are not NULL, with the greatest order."""
        return f"argMaxIf({value}, {order}, {value} IS NOT NULL)"

    def exact_sum(self, integer: str) -> str:
        """Aggregate: the sum of BIGINTs, in 128 bits; NULL of none."""
        # sum(Int64) wraps
        return f"sumOrNull(toInt128({integer}))"

    def sum_of_doubles(self, double: str) -> str:
        """Aggregate: the sum, with compensation for what rounding loses."""
        return f"sumKahanOrNull({double})"

    def text(self, number: str) -> str:
        """Decimal text of what ``exact_sum`` gives."""
        return f"toString({number})"

    def calendar_start(self, time: str, unit: TimeUnit) -> str:
        """Seconds UTC at which the month, quarter or year of a time begins, in UTC."""
        day = f"{_STARTS[unit]}(toDateTime({time}, 'UTC'))"
        return f"toInt64(toUnixTimestamp(toDateTime({day}, 'UTC')))"
