"""Folds and derived columns as words of a command line.

::

    --fold=histogram:hostname  --fold=distribution:version,5  --fold=bin:process.age,10
    --histogram=hostname       --distribution=version,5       --quantize=h,timestamp,1h
"""

from __future__ import annotations

from coresnap.errors import QueryError
from coresnap.store.query.quantities import parse_width
from coresnap.store.query.query import (
    Derivation,
    Derived,
    Fold,
    FoldName,
    TimeUnit,
)

__all__ = [
    "FOLDS",
    "parse_fold",
    "parse_named_fold",
    "parse_quantize",
    "parse_truncate",
]

FOLDS = {name.value: name for name in FoldName} | {
    "first": FoldName.HEAD,
    "last": FoldName.TAIL,
}
"""Folds by the names that words may give them."""


def parse_fold(word: str) -> Fold:
    """Return the fold of ``name:attribute[,modifier…]``, as in ``--fold``.

    Raises QueryError for what is not a fold.
    """
    name, separator, rest = word.partition(":")
    if not separator and name == FoldName.OBJECT:
        rest = "object"
    elif not separator:
        raise QueryError(
            f"not a fold: {word}",
            remedy="Write it as NAME:ATTRIBUTE, as in histogram:hostname.",
        )
    return parse_named_fold(name, rest)


def parse_named_fold(name: str, word: str) -> Fold:
    """Return the fold of ``attribute[,modifier…]``, as in ``--histogram``.

    Modifiers are the number of values for ``histogram`` and ``distribution``, number
    of intervals and optionally both ends for ``bin``, the width for ``quantize``.
    Raises QueryError for what is not such a fold.
    """
    fold = FOLDS.get(name)
    if fold is None:
        raise QueryError(
            f"unknown fold: {name}", remedy="Folds: " + ", ".join(FOLDS) + "."
        )
    attribute, *modifiers = (part.strip() for part in word.split(","))
    if not attribute:
        raise QueryError(
            f"the fold {name} needs an attribute",
            remedy=f"Write it as {name}:hostname.",
        )
    if fold in (FoldName.HISTOGRAM, FoldName.DISTRIBUTION) and len(modifiers) <= 1:
        return Fold(fold, attribute, size=_count(modifiers[0]) if modifiers else 0)
    if fold is FoldName.BIN and len(modifiers) in (0, 1, 3):
        return _bin(attribute, modifiers)
    if fold is FoldName.QUANTIZE and len(modifiers) == 1:
        return Fold(fold, attribute, width=parse_width(modifiers[0]))
    if modifiers or fold is FoldName.QUANTIZE:
        raise QueryError(
            f"the fold {name} does not take what follows {attribute}",
            remedy=_FORMS.get(fold, f"Write it as {name}:{attribute}."),
        )
    return Fold(fold, attribute)


_FORMS = {
    FoldName.HISTOGRAM: "Write it as histogram:ATTRIBUTE[,VALUES].",
    FoldName.DISTRIBUTION: "Write it as distribution:ATTRIBUTE[,VALUES].",
    FoldName.BIN: "Write it as bin:ATTRIBUTE[,INTERVALS[,FROM,TO]].",
    FoldName.QUANTIZE: "Write it as quantize:ATTRIBUTE,WIDTH, the width as 10 or 1h.",
}


def _bin(attribute: str, modifiers: list[str]) -> Fold:
    size = _count(modifiers[0]) if modifiers else 0
    if len(modifiers) < 3:
        return Fold(FoldName.BIN, attribute, size=size)
    lower, upper = (parse_width(text) for text in modifiers[1:])
    return Fold(FoldName.BIN, attribute, size=size, lower=lower, upper=upper)


def parse_quantize(word: str) -> Derived:
    """Return the column of ``name,attribute,width``, as in ``--quantize``.

    Raises QueryError for what is not such a column.
    """
    name, attribute, width = _three(word, "--quantize=minute,timestamp,1m")
    return Derived(name, attribute, Derivation.QUANTIZE, width=parse_width(width))


def parse_truncate(word: str) -> Derived:
    """Return the column of ``name,attribute,unit``, as in ``--truncate``.

    Raises QueryError for what is not such a column.
    """
    name, attribute, unit = _three(word, "--truncate=month,timestamp,month")
    if unit not in list(TimeUnit):
        raise QueryError(
            f"times cannot be truncated to: {unit}",
            remedy="Units: " + ", ".join(TimeUnit) + ".",
        )
    return Derived(name, attribute, Derivation.TRUNCATE, unit=TimeUnit(unit))


def _three(word: str, example: str) -> list[str]:
    parts = [part.strip() for part in word.split(",")]
    if len(parts) != 3 or not all(parts):
        raise QueryError(
            f"not a derived column: {word}", remedy=f"Write it as {example}."
        )
    return parts


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise QueryError(f"not a number of values: {text}", remedy="Write digits.")
    return int(text)
