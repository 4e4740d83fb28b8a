"""Whether a fold fits its attribute, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.query import limits
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.vocabulary import find

__all__ = ["BUCKETS", "check_fold", "fold_attribute"]

BUCKETS = (
    FoldName.HISTOGRAM,
    FoldName.DISTRIBUTION,
    FoldName.BIN,
    FoldName.QUANTIZE,
)
"""Folds that give Buckets."""

_ARITHMETIC = (FoldName.SUM, FoldName.MEAN, FoldName.BIN, FoldName.QUANTIZE)
_DEFAULTS = {
    FoldName.HISTOGRAM: limits.HISTOGRAM,
    FoldName.DISTRIBUTION: limits.DISTRIBUTION,
    FoldName.BIN: limits.BINS,
    FoldName.QUANTIZE: limits.HISTOGRAM,
}


def check_fold(fold: Fold, names: Mapping[str, Attribute]) -> Fold:
    """Return the fold with its defaults; QueryError if it cannot be made."""
    attribute = find(fold.attribute, names)
    is_number = attribute.kind in (Kind.INTEGER, Kind.NUMBER)
    if fold.name in _ARITHMETIC and not is_number:
        raise QueryError(
            f"{fold.name} needs numbers, and {attribute.name} is {attribute.kind}",
            remedy=f"Ask for the histogram of {attribute.name}, or for head or unique.",
        )
    if not _is_sized(fold) or not _is_bounded(fold):
        raise QueryError(
            f"the fold {fold.name} of {attribute.name} has a wrong size, width or end",
            remedy=(
                "histogram and distribution take a number of values, quantize a width "
                "above 0, bin a number of intervals and two ends, the lower one first."
            ),
        )
    if not fold.size and fold.name in _DEFAULTS:
        return msgspec.structs.replace(fold, size=_DEFAULTS[fold.name])
    return fold


def _is_sized(fold: Fold) -> bool:
    if fold.name not in BUCKETS:
        return not fold.size and not fold.width
    if fold.name is FoldName.QUANTIZE:
        is_width = math.isfinite(fold.width) and 0 < fold.width < 2.0**62
    else:
        is_width = not fold.width
    return is_width and 0 <= fold.size <= limits.VALUES


def _is_bounded(fold: Fold) -> bool:
    ends = [end for end in (fold.lower, fold.upper) if end is not None]
    if fold.name is not FoldName.BIN:
        return not ends
    return all(math.isfinite(end) for end in ends) and (
        len(ends) < 2 or ends[0] < ends[1]
    )


def fold_attribute(
    folds: Sequence[Fold], index: int, part: int, names: Mapping[str, Attribute]
) -> Attribute:
    """Return what the single value of a fold is, for what is compared or sorted by it.

    Raises QueryError where there is no such fold, or it has no single value.
    """
    if not 0 <= index < len(folds):
        raise QueryError(
            f"the query has no fold {index}", remedy="Folds are counted from 0."
        )
    fold = folds[index]
    attribute = names[fold.attribute]
    if fold.name in BUCKETS or _is_costly(fold, attribute):
        raise QueryError(
            f"groups cannot be sorted or chosen by {fold.name} of {attribute.name}",
            remedy="Use the count, or a fold with one value, as max or unique.",
        )
    if part not in ((0, 1) if fold.name is FoldName.RANGE else (0,)):
        raise QueryError(
            f"the fold {fold.name} has no value {part}",
            remedy="Only range has two: 0 is the smallest, 1 the largest.",
        )
    if fold.name in (FoldName.UNIQUE, FoldName.COUNT):
        return Attribute(fold.name, Kind.INTEGER)
    if fold.name is FoldName.OBJECT:
        return Attribute("object", Kind.TEXT, "uuid")
    if fold.name is FoldName.MEAN:
        return Attribute(attribute.name, Kind.NUMBER, attribute.format)
    return attribute


def _is_costly(fold: Fold, attribute: Attribute) -> bool:
    """Tell whether a fold is made of all values of a group, not while they pass."""
    if fold.name is FoldName.UNIQUE:
        return attribute.kind is Kind.LABELS
    is_extreme = fold.name in (FoldName.MINIMUM, FoldName.MAXIMUM, FoldName.RANGE)
    return is_extreme and attribute.format == "semver"
