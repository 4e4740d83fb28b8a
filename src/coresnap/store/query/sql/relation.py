"""What the compiler of queries asks of an index: where the faults of a project are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def source(
        self,
        parameters: Parameters,
        *,
        is_joined: bool,
        sequences: Sequence[int] | None = None,
    ) -> str:
        """Return what follows FROM: all faults of the project, and of no other.

        With ``sequences`` it may be without faults that have none of these.

        With ``is_joined`` the mapping from fingerprint to group is joined (LEFT: a
        fault without a group is there).
        """

    def fingerprint(self) -> str:
        """Return the SQL of what stands for a fault's fingerprint: that, or a number.

        It is not NULL, and used for nothing else than to group by it and to compare.
        """

    def joined(self, rows: str) -> str:
        """Return what follows FROM: rows in ``()``, as f, and the group of each as with
        ``is_joined``. Their column ``print`` is a ``fingerprint()``."""

    def placed(self, places: Mapping[str, int]) -> str:
        """Return what is joined with ``source``: p with the ``place`` of a fault.

        ``places`` are by SQL of fingerprints, at least one. Faults whose fingerprint
        has none are not there then.
        """

    def members(
        self, groups: Sequence[str], names: Sequence[str], most: int
    ) -> list[tuple[Any, ...]]:
        """Return fingerprints of groups, each with its ``names``, which are joined
        attributes; and so the fingerprints that are called as one of the groups, but
        are in another. At least one group; ``most`` rows at most.
        """

    def last_sequence(self) -> int:
        """Return the sequence of the last fault that is to be seen; 0 without any."""

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
