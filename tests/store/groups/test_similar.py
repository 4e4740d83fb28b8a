"""Groups with near stacks are suggested, the nearest first, in a large project too."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import insert, select

from coresnap.errors import MissingError
from coresnap.store.groups.similar import similar_groups
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS
from store.groups.world import World, bug


def set_stack(world: World, kind: int, *frames: str) -> None:
    world.note(kind)
    with world.state.write() as connection:
        connection.execute(
            FINGERPRINTS.update()
            .where(
                FINGERPRINTS.c.project == world.project.id,
                FINGERPRINTS.c.fingerprint == bug(kind),
            )
            .values(callstack=list(frames))
        )


def near(world: World, kind: int, distance: float = 0.45) -> list[str]:
    with world.state.read() as connection:
        found = similar_groups(connection, world.project, bug(kind), 20, distance)
    return [one.group for one in found.groups]


def test_the_nearest_comes_first_and_what_shares_nothing_never(world: World) -> None:
    set_stack(world, 0, "read_index", "open_table", "run", "main")
    set_stack(world, 1, "read_index", "check", "open_table", "run", "main")
    set_stack(world, 2, "parse", "check", "open_table", "run", "main")
    set_stack(world, 3, "draw", "paint")

    assert near(world, 0, 1.0) == [bug(1), bug(2)]
    assert near(world, 0, 0.5) == [bug(1)]


def test_it_says_which_frames_make_the_distance(world: World) -> None:
    set_stack(world, 0, "a", "b", "main")
    set_stack(world, 1, "a", "x", "b", "main")
    with world.state.read() as connection:
        found = similar_groups(connection, world.project, bug(0), 20, 1.0)
    (one,) = found.groups

    assert [(f.frame, f.one, f.other) for f in one.frames] == [
        ("a", 0, 0),
        ("x", None, 1),
        ("b", 1, 2),
        ("main", 2, 3),
    ]
    assert sum(f.cost for f in one.frames) == pytest.approx(one.distance, abs=0.01)
    assert (one.title, one.state, one.count) == ("simple fail1", "open", 1)
    assert msgspec.json.encode(found)


def test_what_was_merged_is_not_similar_to_itself(world: World) -> None:
    set_stack(world, 0, "a", "b")
    set_stack(world, 1, "a", "b")
    assert near(world, 0) == [bug(1)]

    world.merge(0, 1)
    assert near(world, 0) == []


def test_no_group_of_another_project_is_found(world: World) -> None:
    with world.state.read() as connection, pytest.raises(MissingError):
        similar_groups(connection, world.project, bug(0), 20, 1.0)


def test_the_near_one_is_found_among_thousands_with_common_frames(
    world: World,
) -> None:
    world.note(0)
    set_stack(world, 1, "rare", "f7", "loop", "main")
    set_stack(world, 2, "rare", "f8", "loop", "main")
    with world.state.write() as connection:
        for table, key in ((FINGERPRINTS, "fingerprint"), (GROUPS, "id")):
            row = dict(connection.execute(select(table)).mappings().first() or {})
            rows = []
            for number in range(3000):
                own = {key: f"{number:064x}"}
                if table is FINGERPRINTS:
                    frames = [f"g{number}", f"f{number % 9}", "loop", "main"]
                    row |= {"callstack": frames, "group": own[key]}
                rows.append(row | own)
            connection.execute(insert(table), rows)

    assert near(world, 1, 1.0)[0] == bug(2)
