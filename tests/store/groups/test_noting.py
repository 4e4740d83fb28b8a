"""A fault is counted for its fingerprint and its group, once, whoever else does it."""

from __future__ import annotations

import threading

import pytest

from coresnap.errors import MissingError, UsageError
from coresnap.store.access.projects import ensure_project
from coresnap.store.groups.finding import find_group
from coresnap.store.groups.indexing import changed_since
from coresnap.store.groups.noting import Noted, group_of
from coresnap.store.state.state import State
from store.groups.world import NOW, World, bug
from store.statements import counted_statements


def test_the_first_fault_of_a_fingerprint_makes_its_group(world: World) -> None:
    assert world.note() == Noted(bug(0), is_new=True, is_regression=False)
    assert world.note() == Noted(bug(0), is_new=False, is_regression=False)
    assert world.note(1).is_new

    group = world.group()
    assert (group.id, group.state, group.count) == (bug(0), "open", 2)
    assert (group.first_seen, group.last_seen) == (NOW + 1, NOW + 2)
    assert group.title == "simple fail0"
    (own,) = group.fingerprints
    assert (own.count, own.callstack) == (2, ("fail0", "main"))


def test_a_fault_costs_two_statements(world: World) -> None:
    world.note()
    with world.state.write() as connection, counted_statements(connection) as seen:
        world.note_in(connection)

    assert len(seen) == 2 + 1, seen  # one of them took the sequence


def test_times_are_of_the_crashes_in_whatever_order_they_arrive(world: World) -> None:
    world.note(crashed=NOW - 50)
    world.note(crashed=NOW - 900)
    world.note(crashed=NOW + 10**9)  # a clock that is ahead

    group = world.group()
    assert (group.first_seen, group.last_seen) == (NOW - 900, world.now)


def test_a_replaced_fault_is_counted_once(world: World) -> None:
    world.note(0)
    world.note(0, replaced=bug(0))
    assert world.group().count == 1

    world.note(1)
    assert world.note(1, replaced=bug(0)).group == bug(1)
    assert (world.group(0).count, world.group(1).count) == (0, 2)


def test_a_fault_that_is_read_again_stays_in_its_group(world: World) -> None:
    world.note(0)
    world.note(0)
    world.change(0, assignee="kim")

    # Symbols came: its frames have names now, and its fingerprint is another one.
    assert world.note(1, replaced=bug(0)) == Noted(
        bug(0), is_new=False, is_regression=False
    )
    assert world.note(1, replaced=bug(0)).group == bug(0)
    group = world.group(1)
    assert (group.id, group.count, group.assignee) == (bug(0), 2, "kim")
    assert {f.fingerprint: f.count for f in group.fingerprints} == {
        bug(0): 0,
        bug(1): 2,
    }
    assert group.history[-1].what == "reprocess"
    assert world.note(1).group == bug(0)


def test_several_servers_make_one_group_and_count_every_fault(world: World) -> None:
    url = world.state.engine.url.render_as_string(hide_password=False)
    states = [State(url) for _ in range(4)]
    noted: list[Noted] = []

    def work(state: State) -> None:
        own = World(state, world.project)
        noted.extend(own.note(kind % 2) for kind in range(20))

    threads = [threading.Thread(target=work, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in states:
        state.close()

    assert [one.group for one in noted if one.is_new] in (
        [bug(0), bug(1)],
        [bug(1), bug(0)],
    )
    assert (world.group(0).count, world.group(1).count) == (40, 40)


def test_texts_of_a_snapshot_are_cut_and_stored_whatever_is_in_them(
    world: World,
) -> None:
    world.note(application="a\0b" * 100)

    assert world.group().count == 1


def test_a_group_is_found_by_the_beginning_of_an_id(world: World) -> None:
    world.note(0)
    with world.state.read() as connection:
        assert find_group(connection, world.project, bug(0)[:7].upper()) == bug(0)
        with pytest.raises(MissingError):
            find_group(connection, world.project, bug(1)[:10])
        for text in ("", "abc", "x" * 10, "0" * 65, "%"):
            with pytest.raises(UsageError):
                find_group(connection, world.project, text)


def test_a_beginning_of_several_ids_is_refused_and_names_them(world: World) -> None:
    kinds: dict[str, int] = {}
    kind = 0
    while bug(kind)[:4] not in kinds:
        kinds[bug(kind)[:4]] = kind
        kind += 1
    prefix = bug(kind)[:4]
    world.note(kind)
    world.note(kinds[prefix])

    with (
        world.state.read() as connection,
        pytest.raises(UsageError, match=f"several.*{bug(kind)[:16]}"),
    ):
        find_group(connection, world.project, prefix)


def test_groups_of_another_project_cannot_be_reached(world: World) -> None:
    world.note(0)
    with world.state.write() as connection:
        other = ensure_project(connection, "cf", "other")
        assert group_of(connection, other, bug(0)) == bug(0)
        assert changed_since(connection, other, 0) == ([], 0)
        with pytest.raises(MissingError):
            find_group(connection, other, bug(0))


def test_the_index_learns_what_changed_and_nothing_else(world: World) -> None:
    world.note(0)
    world.note(1)
    with world.state.read() as connection:
        all_of_them, revision = changed_since(connection, world.project, 0)
    assert {one.fingerprint for one in all_of_them} == {bug(0), bug(1)}

    world.change(1, assignee="kim", add_tags=("net", "disk"))
    with world.state.read() as connection:
        changed, later = changed_since(connection, world.project, revision)
        assert changed_since(connection, world.project, later) == ([], later)
    (one,) = changed
    assert (one.fingerprint, one.group) == (bug(1), bug(1))
    assert one.attributes["state"] == "in-progress"
    assert one.attributes["tags"] == "disk net"
    assert one.attributes["count"] == 1

    world.merge(0, 1)
    with world.state.read() as connection:
        changed, _ = changed_since(connection, world.project, later)
    assert {(one.fingerprint, one.group) for one in changed} == {
        (bug(0), bug(0)),
        (bug(1), bug(0)),
    }
    assert {one.attributes["count"] for one in changed} == {2}
