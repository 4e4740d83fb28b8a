"""Groups become one and are several again, and no fault is lost or counted twice."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.errors import UsageError
from coresnap.store.access.projects import ensure_project
from coresnap.store.api.groups import Link, State
from coresnap.store.groups.commenting import comment
from coresnap.store.groups.history import Author
from coresnap.store.state.state import State as Database
from store.groups.world import World, bug


def test_later_faults_of_what_was_merged_come_to_the_whole(world: World) -> None:
    world.note(0)
    world.note(1)
    assert world.merge(0, 1) == bug(0)

    assert world.note(1).group == bug(0)
    assert world.group(1) == world.group(0)
    assert (world.group(0).count, world.group(0).merged) == (3, (bug(1),))


def test_unmerging_gives_back_state_comments_and_the_counts_of_now(
    world: World,
) -> None:
    for kind in (0, 1, 1):
        world.note(kind, version="1.0")
    world.change(1, state=State.RESOLVED, add_tags=("net",))
    before = world.group(1)
    world.merge(0, 1)
    world.note(1, version="0.9")
    assert world.group(0).state == "open"

    world.unmerge(0, 1)
    after = world.group(1)
    assert (after.state, after.until, after.tags) == (
        before.state,
        before.until,
        before.tags,
    )
    assert (after.count, world.group(0).count) == (3, 1)
    assert world.note(1, version="1.1").is_regression


def test_comments_and_tickets_are_seen_with_both(world: World) -> None:
    world.note(0)
    world.note(1)
    world.change(1, add_link=Link("NET-17", "https://tickets.example/NET-17"))
    with world.state.write() as connection:
        comment(connection, world.project, bug(1), "a\0b", Author("kim"))
    world.merge(0, 1)

    whole = world.group(0)
    assert [(c.group, c.text) for c in whole.comments] == [(bug(1), "a\ufffdb")]
    assert [link.name for link in whole.links] == ["NET-17"]
    world.unmerge(0)
    assert world.group(0).comments == ()
    assert len(world.group(1).comments) == 1


def test_every_merge_is_in_the_history_of_both(world: World) -> None:
    world.note(0)
    world.note(1)
    world.merge(0, 1)
    world.unmerge(0, 1)

    assert [(line.what, line.old, line.new) for line in world.group(0).history] == [
        ("merge", "", f"with {bug(1)}"),
        ("unmerge", f"with {bug(1)}", ""),
    ]
    assert [(line.who, line.why) for line in world.group(1).history] == [
        ("kim", "the same"),
        ("kim", "not the same"),
    ]


def test_what_was_merged_into_a_member_goes_with_it(world: World) -> None:
    for kind in range(4):
        world.note(kind)
    world.merge(1, 2)
    world.merge(0, 1, 3)

    world.unmerge(0, 1)
    assert world.group(2).id == bug(1)
    assert world.group(3).id == bug(0)
    assert (world.group(0).count, world.group(1).count) == (2, 2)


def test_what_is_no_member_cannot_leave(world: World) -> None:
    world.note(0)
    world.note(1)
    with pytest.raises(UsageError, match="nothing was merged"):
        world.unmerge(0)
    with pytest.raises(UsageError, match="was not merged into"):
        world.unmerge(0, 1)
    with pytest.raises(UsageError, match="one group already"):
        world.merge(0, 0)


def test_merging_while_faults_arrive_loses_none(world: World) -> None:
    for kind in range(3):
        world.note(kind)
    url = world.state.engine.url.render_as_string(hide_password=False)
    states = [Database(url) for _ in range(3)]

    def put(state: Database) -> None:
        own = World(state, world.project)
        for number in range(30):
            own.note(number % 3)

    def shuffle(state: Database) -> None:
        own = World(state, world.project)
        for _ in range(5):
            own.merge(0, 1, 2)
            own.unmerge(0)

    works = ((put, states[0]), (put, states[1]), (shuffle, states[2]))
    threads = [threading.Thread(target=work, args=(s,)) for work, s in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in states:
        state.close()

    assert [world.group(kind).count for kind in range(3)] == [21, 21, 21]


_KINDS = st.integers(0, 5)
_STEP = st.one_of(
    st.tuples(st.just("note"), _KINDS),
    st.tuples(st.just("merge"), _KINDS, _KINDS),
    st.tuples(st.just("unmerge"), _KINDS),
)


def test_counts_are_conserved_whatever_is_merged_and_unmerged(world: World) -> None:
    names = iter(range(10_000))

    @settings(max_examples=25, deadline=None)
    @given(st.lists(_STEP, max_size=25))
    def check(steps: list[tuple[str, int] | tuple[str, int, int]]) -> None:
        with world.state.write() as connection:
            project = ensure_project(connection, "cf", f"p{next(names)}")
        own = World(world.state, project)
        counts = Counter(range(6))
        for kind in range(6):
            own.note(kind)
            counts[kind] = 1
        for step in steps:
            if step[0] == "note":
                own.note(step[1])
                counts[step[1]] += 1
                continue
            try:
                if step[0] == "merge":
                    own.merge(step[1], step[2])  # type: ignore[misc]
                else:
                    own.unmerge(step[1])
            except UsageError:
                continue
        groups = {g.id: g for g in (own.group(kind) for kind in range(6))}
        assert sum(g.count for g in groups.values()) == counts.total()
        for group in groups.values():
            assert group.count == sum(f.count for f in group.fingerprints)
            assert {f.fingerprint for f in group.fingerprints} == {
                bug(kind) for kind in range(6) if own.group(kind).id == group.id
            }
        while any(group.merged for group in groups.values()):
            for group in groups.values():
                if group.merged:
                    own.unmerge(int(next(k for k in range(6) if bug(k) == group.id)))
            groups = {g.id: g for g in (own.group(kind) for kind in range(6))}
        assert {g.id: g.count for g in groups.values()} == {
            bug(kind): count for kind, count in counts.items()
        }

    check()
