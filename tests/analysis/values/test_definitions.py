from __future__ import annotations

import pytest

from coresnap.analysis.values.definitions import canonical


@pytest.mark.parametrize(
    ("demangled", "described"),
    [
        ("Square<long, 3>", "Square<long int, 3>"),
        ("Box<unsigned long, 3ul>", "Box<long unsigned int, 3>"),
        ("Box<unsigned int, 3u>", "Box<unsigned int, 3>"),
        ("Box<unsigned char>", "Box<unsigned char>"),
        ("Pair<A<int>, B<long long> >", "Pair<A<int>, B<long long int>>"),
        ("Tagged<(Kind)2>", "Tagged<2>"),
        ("(anonymous namespace)::Puppy", "(anonymous namespace)::Puppy"),
    ],
)
def test_demangled_and_described_names_are_the_same(
    demangled: str, described: str
) -> None:
    assert canonical(demangled) == canonical(described)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Box<int>", "Box<unsigned int>"),
        ("Box<long>", "Box<int>"),
        ("Box<char>", "Box<signed char>"),
        ("Box<1>", "Box<2>"),
        ("ns::Box", "Box"),
    ],
)
def test_other_types_stay_apart(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)
