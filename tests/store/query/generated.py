"""Faults, groups and queries of every kind, generated."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import COLUMNS, JOINED
from coresnap.store.fault import Fault, Value
from coresnap.store.index.contract import IndexedGroup
from coresnap.store.query.checking_folds import BUCKETS
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Derivation,
    Derived,
    Filter,
    Fold,
    FoldName,
    Having,
    NoneOf,
    Operator,
    Order,
    OrderBy,
    Query,
    TimeUnit,
)

__all__ = ["KNOWN", "faults", "groups_of", "queries", "queries_of_groups"]

_DISCOVERED = (
    Attribute('we"ird {na`me}', Kind.TEXT),
    Attribute("x.labels", Kind.LABELS, "labels"),
    Attribute("x.count", Kind.INTEGER),
    Attribute("x.ratio", Kind.NUMBER),
)
KNOWN = {**COLUMNS, **{attribute.name: attribute for attribute in _DISCOVERED}}

TEXTS = ("application", "callstack", 'we"ird {na`me}', "group", "group.state")
VERSIONS = ("version",)
LABELS = ("classifiers", "x.labels", "group.tags")
INTEGERS = ("vm.rss.size", "x.count", "timestamp", "group.first_seen")
NUMBERS = ("system.load.1", "x.ratio")
STORED = (
    *("application", "callstack", 'we"ird {na`me}', "version", "classifiers"),
    *("x.labels", "vm.rss.size", "x.count", "system.load.1", "x.ratio"),
)
NAMES = TEXTS + VERSIONS + LABELS + INTEGERS + NUMBERS
"""What queries use."""

words = st.sampled_from(["", "a", "A", "ab", "é", "É", "ß", "\u212a", "k", "日本", "1"])
texts = st.one_of(
    words,
    st.lists(words, max_size=3).map("\n".join),
    st.lists(words, max_size=3).map(" ".join),
    st.text("aA1.é\\'\"(|$^\n\t\0 \U0001f600", max_size=5),
)
versions = st.sampled_from(
    [
        "1.0",
        "1.0.0",
        "v1.2",
        "1.10",
        "1.9",
        "1.9-rc1",
        "1.9-rc.2",
        "2",
        "x",
        "",
        "1.9+b",
    ]
)
integers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 10**18, 86400 * 40, 1764028800]),
    st.integers(-(2**63), 2**63 - 1),
)
times = st.one_of(st.integers(-10, 2**32 + 10), st.sampled_from([0, 1764028800]))
numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.30000000000000004, -1.5, 1e300, 1e-310]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-3, 3).map(float),
)
labels = st.lists(
    st.sampled_from(["null", "Null", "stop", "memory.write", "é", ""]), max_size=4
).map(" ".join)
_BY_KIND: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TEXT: texts,
    Kind.LABELS: labels,
    Kind.INTEGER: integers,
    Kind.NUMBER: numbers,
}


def _values(name: str) -> st.SearchStrategy[Value]:
    if name in VERSIONS:
        return versions
    if name == "timestamp" or name.endswith("_seen"):
        return times
    return _BY_KIND[{**KNOWN, **JOINED}[name].kind]


def _stored(name: str) -> st.SearchStrategy[Value]:
    """Values of the kind mostly; sometimes others, that came before it was known."""
    stray = st.one_of(
        integers,
        numbers,
        st.sampled_from(["12", "-0", "007", "1e3", " 1", "1.0", "0x10", "nan", "inf"]),
        st.sampled_from(["9223372036854775808", "1_000", "+1", "1e400", "-0.0", ".5"]),
        st.just(float("inf")),
    )
    if name in VERSIONS:
        return versions
    usual = _values(name)
    return st.one_of(usual, usual, usual, usual, stray)


fingerprints = st.sampled_from([f"{n:x}" * 64 for n in (0, 1, 10, 15)])


@st.composite
def _fault(draw: st.DrawFn, sequence: int) -> Fault:
    time = draw(times)
    attributes = draw(
        st.fixed_dictionaries({}, optional={n: _stored(n) for n in STORED})
    )
    fingerprint = draw(fingerprints)
    received = 1764028800 + sequence * draw(st.sampled_from([1, 86400 * 31]))
    object_id = f"{sequence * 7919 % 1000:032x}"
    attributes |= {
        "object": object_id,
        "timestamp": time,
        "timestamp.received": received,
        "fingerprint": fingerprint,
        "object.size": 1000 + sequence,
    }
    return Fault(object_id, sequence, time, received, fingerprint, attributes)


@st.composite
def faults(draw: st.DrawFn, most: int = 12) -> tuple[Fault, ...]:
    """Faults of one project, in order of acceptance; their sequences have gaps."""
    count = draw(st.integers(0, most))
    return tuple(draw(_fault(3 * n + 1)) for n in range(count))


@st.composite
def groups_of(draw: st.DrawFn) -> tuple[IndexedGroup, ...]:
    """Groups of some of the fingerprints."""
    chosen = draw(st.lists(fingerprints, unique=True))
    return tuple(
        IndexedGroup(
            fingerprint,
            draw(st.sampled_from([fingerprint, "1" * 64])),
            draw(
                st.fixed_dictionaries(
                    {"state": st.sampled_from(["open", "resolved"])},
                    optional={"tags": labels, "first_seen": times},
                )
            ),
        )
        for fingerprint in chosen
    )


patterns = st.sampled_from(
    [
        "",
        "a",
        "^a$",
        "a.b",
        "a.*b",
        "(?-s)a.b",
        "[^a]",
        "é",
        "^.$",
        "k",
        "(a|b)+",
        "\\n",
        "(?m)^a$",
        "A{1,2}",
        "\\bab",
        "\\pL",
        "(?i)a",
        "\\.",
        "a|",
        "^$",
        ".",
        "\\x{e9}",
    ]
)
_ORDERED = (
    Operator.AT_LEAST,
    Operator.GREATER_THAN,
    Operator.AT_MOST,
    Operator.LESS_THAN,
)
_EQUALITY = (Operator.EQUAL, Operator.NOT_EQUAL)
_PATTERNS = (Operator.REGULAR_EXPRESSION, Operator.INVERSE_REGULAR_EXPRESSION)
_PARTS = (Operator.CONTAINS, Operator.NOT_CONTAINS)
_BARE = (Operator.IS_SET, Operator.IS_NOT_SET)


@st.composite
def _condition(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from(NAMES))
    kind = {**KNOWN, **JOINED}[name].kind
    is_text = kind in (Kind.TEXT, Kind.LABELS)
    operators = _ORDERED + _EQUALITY + _BARE + (_PATTERNS + _PARTS if is_text else ())
    operator = draw(st.sampled_from(operators))
    if operator in _BARE:
        return Condition(name, operator)
    value: Value = draw(_values(name))
    if operator in _PATTERNS:
        value = draw(patterns)
    if operator in _PARTS and kind is Kind.LABELS:
        value = draw(st.sampled_from(["null", "NULL", "stop", "memory", "é", "É"]))
    if kind is Kind.INTEGER and draw(st.integers(0, 5)) == 0:
        value = draw(st.sampled_from([0.5, -0.5, 2.5]))
    ignores = is_text and operator not in _ORDERED and draw(st.booleans())
    return Condition(name, operator, value, ignores)


filters = st.recursive(
    _condition(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: NoneOf(tuple(parts))),
    ),
    max_leaves=5,
)

widths = st.sampled_from([1, 2, 3, 10, 86400, 2**61, 0.1, 0.5, 1e-3, 1e18])
_DERIVED = st.one_of(
    st.builds(
        Derived,
        st.just("d"),
        st.sampled_from(INTEGERS + NUMBERS),
        st.just(Derivation.QUANTIZE),
        width=st.sampled_from([1, 3, 3600, 2**61, 0.1, 0.5]),
    ),
    st.builds(
        Derived,
        st.just("d"),
        st.sampled_from(INTEGERS),
        st.just(Derivation.TRUNCATE),
        unit=st.sampled_from(TimeUnit),
    ),
)


@st.composite
def _fold(draw: st.DrawFn, names: tuple[str, ...]) -> Fold:
    name = draw(st.sampled_from(FoldName))
    if name in (FoldName.SUM, FoldName.MEAN, FoldName.BIN, FoldName.QUANTIZE):
        names = INTEGERS + NUMBERS
    attribute = draw(st.sampled_from(names))
    if name is FoldName.QUANTIZE:
        size = draw(st.sampled_from([0, 2]))
        return Fold(name, attribute, size=size, width=draw(widths))
    if name is FoldName.BIN:
        return _bin(draw, attribute)
    if name in (FoldName.HISTOGRAM, FoldName.DISTRIBUTION):
        return Fold(name, attribute, size=draw(st.sampled_from([0, 1, 2])))
    return Fold(name, attribute)


def _bin(draw: st.DrawFn, attribute: str) -> Fold:
    ends = st.one_of(st.none(), st.sampled_from([-2.0, 0.0, 1.0, 0.3]))
    lower, upper = draw(ends), draw(ends)
    if lower is not None and upper is not None and lower >= upper:
        upper = None
    size = draw(st.sampled_from([0, 1, 2, 7]))
    return Fold(FoldName.BIN, attribute, size=size, lower=lower, upper=upper)


_UNSTABLE = (FoldName.SUM, FoldName.MEAN)
"""Of floats they depend on the order of addition, in the last digits."""


def _is_sortable(fold: Fold) -> bool:
    kind = {**KNOWN, **JOINED, "d": Attribute("d", Kind.NUMBER)}[fold.attribute].kind
    if fold.name in BUCKETS or fold.attribute in VERSIONS:
        return False
    if fold.name is FoldName.UNIQUE and kind is Kind.LABELS:
        return False
    return fold.name not in _UNSTABLE


@st.composite
def queries(draw: st.DrawFn, most: int = 12) -> Query:
    """Queries that can be asked."""
    derived = draw(st.lists(_DERIVED, max_size=1))
    names = (*NAMES, "d") if derived else NAMES
    base = Query(
        filter=draw(filters),
        derived=tuple(derived),
        limit=draw(st.sampled_from([0, 1, 2, 5, 100])),
        offset=draw(st.sampled_from([0, 0, 0, 1, 3])),
        until=draw(st.one_of(st.none(), st.integers(0, 3 * most))),
    )
    parts = _selection(draw, names) if draw(st.booleans()) else _grouping(draw, names)
    return Query(
        filter=base.filter,
        derived=base.derived,
        limit=base.limit,
        offset=base.offset,
        until=base.until,
        select=parts.select,
        group=parts.group,
        folds=parts.folds,
        order=parts.order,
        having=parts.having,
    )


def _selection(draw: st.DrawFn, names: tuple[str, ...]) -> Query:
    sortable = [name for name in names if name not in VERSIONS]
    order = st.builds(
        Order,
        st.just(OrderBy.ATTRIBUTE),
        st.booleans(),
        attribute=st.sampled_from(sortable),
    )
    return Query(
        select=tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=4))),
        order=tuple(draw(st.lists(order, max_size=2))),
    )


def _grouping(draw: st.DrawFn, names: tuple[str, ...]) -> Query:
    group = tuple(draw(st.lists(st.sampled_from(names), max_size=3, unique=True)))
    folds = tuple(draw(st.lists(_fold(names), max_size=4)))
    sortable = [n for n, fold in enumerate(folds) if _is_sortable(fold)]
    orders = [st.builds(Order, st.just(OrderBy.COUNT), st.booleans())]
    havings = [
        st.builds(Having, st.sampled_from(_ORDERED + _EQUALITY), st.integers(0, 4))
    ]
    if group:
        part = st.integers(0, len(group) - 1)
        orders.append(st.builds(Order, st.just(OrderBy.KEY), st.booleans(), part=part))
    for index in sortable:
        part = st.integers(0, int(folds[index].name is FoldName.RANGE))
        fold = st.just(index)
        orders.append(
            st.builds(Order, st.just(OrderBy.FOLD), st.booleans(), fold=fold, part=part)
        )
        havings.append(
            st.builds(
                Having,
                st.sampled_from(_ORDERED + _EQUALITY),
                _compared_with(folds[index]),
                fold=fold,
                part=part,
            )
        )
    return Query(
        group=group,
        folds=folds,
        order=tuple(draw(st.lists(st.one_of(orders), max_size=2))),
        having=tuple(draw(st.lists(st.one_of(havings), max_size=1))),
    )


def _compared_with(fold: Fold) -> st.SearchStrategy[Value]:
    if fold.name in (FoldName.UNIQUE, FoldName.COUNT):
        return st.integers(0, 4)
    if fold.attribute == "d":
        return st.integers(0, 4)
    if fold.name is FoldName.OBJECT:
        return st.just(f"{3 * 7919 % 1000:032x}")
    return _values(fold.attribute)


@st.composite
def queries_of_groups(draw: st.DrawFn) -> Query:
    """Lists of groups, narrowed by what is known of groups and of faults."""
    base = draw(queries().filter(lambda query: not query.select))
    of_groups = Condition("group.state", Operator.EQUAL, "open")
    others = ("group.state", "group.tags", "group.first_seen", "fingerprint")
    more = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
    either: list[Filter] = [of_groups, NoneOf((of_groups,))]
    parts = [draw(st.sampled_from(either))]
    if draw(st.booleans()):
        parts.append(base.filter)
    return msgspec.structs.replace(
        base,
        filter=AllOf(tuple(draw(st.permutations(parts)))),
        group=tuple(draw(st.permutations(["group", *more]))),
        order=tuple(one for one in base.order if one.by is not OrderBy.KEY),
    )
