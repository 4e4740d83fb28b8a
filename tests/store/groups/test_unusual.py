"""What is unusual in a group is found; what is as everywhere is not."""

from __future__ import annotations

import pytest

from coresnap.errors import MissingError, QueryError
from coresnap.store.api.group_comparisons import Unusual
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.groups.introduced import introduced
from coresnap.store.groups.unusual import find_unusual
from coresnap.store.groups.unusual.significance import probability_of
from coresnap.store.index.contract import Index
from coresnap.store.store import Store
from store.groups.world import World, bug


@pytest.fixture
def store(world: World, index: Index) -> Store:
    """60 faults of bug 0, 140 of others; those on ARM, with a driver, and small."""
    for number in range(200):
        is_ours = number % 10 < 3
        world.note(
            0 if is_ours else 1 + number % 3,
            hostname=f"host{number % 7}",
            **{
                "x.text": "arm" if is_ours or number % 10 == 9 else "x86",
                "x.labels": f"net disk{' driver' if is_ours else ''}",
                "x.size": number * 3 if is_ours else 5000 + number,
                "x.id": f"{number}",
            },  # type: ignore[arg-type]
        )
    store = world.written(index)
    sync_groups(store, world.project)
    return store


def unusual(world: World, store: Store, kind: int = 0, **options: bool) -> Unusual:
    return find_unusual(store, world.project, bug(kind), 20, world.known, **options)


def test_over_represented_values_are_found_with_support_and_ratio(
    world: World, store: Store
) -> None:
    found = unusual(world, store)

    assert (found.faults, found.others) == (60, 140)
    values = {(v.attribute, v.value): v for v in found.values}
    driver = values["x.labels", "driver"]
    assert (driver.count, driver.elsewhere, driver.ratio) == (60, 0, None)
    arm = values["x.text", "arm"]
    assert (arm.count, arm.elsewhere, arm.ratio) == (60, 20, 7.0)
    assert arm.probability < 1e-20
    assert ("x.labels", "net") not in values
    assert not any(name == "hostname" for name, _ in values)


def test_numbers_with_many_values_are_parted_where_the_group_differs(
    world: World, store: Store
) -> None:
    (size,) = [v for v in unusual(world, store).values if v.attribute == "x.size"]

    assert size.comparison == "less-than"
    assert isinstance(size.value, int | float)
    assert 600 < size.value < 5020
    assert (size.count, size.elsewhere) == (60, 0)


def test_of_a_large_group_a_sample_is_looked_at(world: World, index: Index) -> None:
    with world.state.write() as connection:
        for number in range(2400):
            rare = {"x.text": "rare" if number % 8 == 0 else "usual"}
            world.note_in(connection, 0 if number % 2 == 0 else 1, **rare)  # type: ignore[arg-type]
    store = world.written(index)
    sync_groups(store, world.project)

    found = unusual(world, store)
    assert (found.faults, found.others, found.seen_others) == (1200, 1200, 1200)
    assert 800 < found.seen < 1200
    (one,) = [v for v in found.values if v.value == "rare"]
    assert one.count == pytest.approx(found.seen / 4, rel=0.2)


def test_a_group_that_is_like_the_others_has_nothing_unusual(
    world: World, index: Index
) -> None:
    for number in range(120):
        world.note(number % 2, **{"x.text": f"v{number // 2 % 4}"})  # type: ignore[arg-type]
    store = world.written(index)
    sync_groups(store, world.project)

    assert unusual(world, store).values == ()


def test_faults_of_other_applications_can_be_left_out(
    world: World, index: Index
) -> None:
    for number in range(90):
        world.note(
            number % 3,
            application="other" if number % 3 == 2 else "simple",
            **{"x.text": "y" if number % 3 == 2 else "x"},  # type: ignore[arg-type]
        )
    store = world.written(index)
    sync_groups(store, world.project)

    assert [v.value for v in unusual(world, store).values] == ["x"]
    alone = unusual(world, store, same_application=True)
    assert (alone.values, alone.others) == ((), 30)


def test_a_group_without_indexed_faults_says_so(world: World, store: Store) -> None:
    world.note(9)
    sync_groups(store, world.project)
    with pytest.raises(MissingError, match="in the index"):
        unusual(world, store, 9)


def test_the_probability_is_fishers() -> None:
    # Fisher's tea: R's fisher.test(matrix(c(3,1,1,3),2), alternative="greater").
    assert probability_of(3, 4, 1, 4) == pytest.approx(0.2428571)
    assert probability_of(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert probability_of(0, 10, 0, 10) == pytest.approx(1.0)
    assert probability_of(10_000, 10_000, 500_000, 990_000) == pytest.approx(0, abs=0)


def test_groups_that_began_with_a_version_are_found(world: World, index: Index) -> None:
    for kind, version in ((0, "1.0"), (1, "1.1"), (1, "1.2"), (2, "1.1"), (0, "1.1")):
        world.note(kind, version=version)
    store = world.written(index)

    def ask(value: str) -> list[tuple[str, int, bool]]:
        found = introduced(store, world.project, "version", value, 100, world.known)
        return [(one.group, one.count, one.is_unique) for one in found.groups]

    assert ask("1.1") == [(bug(1), 2, False), (bug(2), 1, True)]
    assert ask("1.0") == [(bug(0), 2, False)]
    assert ask("1.2") == []
    with pytest.raises(QueryError):
        introduced(store, world.project, "no.such", "1", 100, world.known)
