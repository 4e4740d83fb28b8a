"""What the compiler of queries asks of an index: where the faults of a project are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.fault import Value
from coresnap.store.query.sql.dialect import Dialect
from coresnap.store.query.sql.parameters import Parameters

__all__ = ["Relation"]


class Relation(Protocol):
    """The faults of one project in one engine, one row for each.

    ``query.answering.answer(query, known, relation)`` asks through it. A statement is
    ``SELECT … FROM (SELECT column(…) AS c0, …, sequence AS s FROM source(…) WHERE
    sequence <= …) WHERE … GROUP BY …``.
    """

    @property
    def dialect(self) -> Dialect:
        """What differs from engine to engine."""

    @property
    def sequence(self) -> str:
        """SQL of a fault's sequence, BIGINT, never NULL."""

    def source(self, parameters: Parameters, *, is_joined: bool) -> str:
        """Return what follows FROM: all faults of the project, and of no other.

        With ``is_joined`` the mapping from fingerprint to group is joined (LEFT: a
        fault without a group is there).
        """

    def column(self, attribute: Attribute, parameters: Parameters) -> str:
        """Return the SQL of an attribute's value, NULL where it is unset.

        Its type is BIGINT, DOUBLE or VARCHAR, as ``attribute.kind`` says; what does
        not fit the kind (``values.as_integer``, ``as_number``) is NULL, and so is
        what is not finite. A map's text is turned by ``dialect.integer_of_text`` and
        ``number_of_text``. The name of an attribute in a map is a parameter.

        ``group`` is the group's id, or the fault's fingerprint where it has none;
        ``group.*`` are the joined attributes. Both are asked for only with
        ``is_joined``.
        """

    def run(self, statement: str, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """Run one statement; return its rows as int, float, str, bool and None.

        Raises StorageError where the engine fails.
        """

    def refusal(self, pattern: str) -> str | None:
        """Return what the engine has against a regular expression; None if nothing.

        It runs ``dialect.matches`` of the pattern on an empty text.
        """
