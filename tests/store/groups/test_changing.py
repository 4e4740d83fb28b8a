"""The workflow: what people set, what follows by itself, what ends a state and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from coresnap.errors import UsageError
from coresnap.store.api.group_changes import Resolution
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import Link, State
from coresnap.store.api.until import (
    AllUntil,
    AttributeUntil,
    CountUntil,
    CrashUntil,
    HostsUntil,
    TimeUntil,
    VersionUntil,
)
from coresnap.store.groups.reopening import reopen_due
from coresnap.store.store import Store
from store.groups.world import NOW, World, bug

if TYPE_CHECKING:
    from coresnap.store.index.contract import Index
    from coresnap.store.objects.contract import Objects

RESOLVED, MUTED = State.RESOLVED, State.MUTED


def test_whoever_is_assigned_makes_progress_and_without_anybody_it_is_open(
    world: World,
) -> None:
    world.note()
    world.change(assignee="kim")
    assert (world.group().state, world.group().assignee) == ("in-progress", "kim")

    world.change(add_link=Link("NET-17", "https://tickets.example/NET-17"))
    world.change(assignee="")
    assert world.group().state == "in-progress"  # a ticket is left

    world.change(remove_link="NET-17")
    assert world.group().state == "open"
    assert world.group().links == ()


def test_who_is_assigned_changes_nothing_of_what_is_resolved(world: World) -> None:
    world.note(version="1.0")
    world.change(state=RESOLVED)
    world.change(assignee="kim")
    assert world.group().state == "resolved"

    world.change(assignee="")
    assert world.group().state == "resolved"


def test_a_state_that_is_set_goes_before_what_would_follow(world: World) -> None:
    world.note()
    world.change(assignee="kim", state=State.OPEN)

    assert (world.group().state, world.group().assignee) == ("open", "kim")


def test_every_change_says_who_and_why(world: World) -> None:
    world.note()
    world.change(who="ops", add_tags=("net",), assignee="kim", reason="seen on db1")

    assert [
        (line.who, line.what, line.old, line.new, line.why)
        for line in world.group().history
    ] == [
        ("ops", "assignee", "", "kim", "seen on db1"),
        ("ops", "tags", "", "net", "seen on db1"),
        ("ops", "state", "open", "in-progress", "seen on db1"),
    ]


def test_what_is_so_already_is_no_change(world: World) -> None:
    world.note(0)
    world.note(1)
    assert world.change(0, 1, add_tags=("net",)) == 2
    assert world.change(0, 1, add_tags=("net",), state=State.OPEN) == 0
    assert len(world.group().history) == 1


def test_resolved_now_is_open_again_with_a_later_version_alone(world: World) -> None:
    world.note(version="1.2.3")
    world.note(version="1.2.10")
    world.change(state=RESOLVED)
    assert world.group().until == (VersionUntil("1.2.10", or_equal=False),)

    for version in ("1.2.9", "1.2.10", "v1.2.10+dirty", "main-4f1c"):
        assert not world.note(version=version).is_regression
    assert not world.note().is_regression  # it has no version
    assert world.group().state == "resolved"

    assert world.note(version="1.2.11").is_regression
    group = world.group()
    assert (group.state, group.reopened, group.until) == ("open", 1, ())
    assert group.last_reopened == world.now
    last = group.history[-1]
    assert (last.who, last.old) == ("coroner", 'resolved until version > "1.2.10"')
    assert 'version "1.2.11" > "1.2.10" (semver)' in last.why
    assert not world.note(version="1.2.12").is_regression  # it is open


def test_resolved_in_a_version_is_open_again_with_that_version(world: World) -> None:
    world.note(version="1.0")
    world.change(state=RESOLVED, until=(VersionUntil("1.2.4"),))

    assert not world.note(version="1.2.4-rc.1").is_regression
    assert world.note(version="1.2.4").is_regression


def test_resolved_in_the_next_version_waits_for_what_is_not_out_yet(
    world: World,
) -> None:
    world.note(0, version="1.1")
    world.note(1, version="1.3")  # of the same application
    world.note(2, version="7.0", application="other")
    world.change(0, state=RESOLVED, resolution=Resolution.NEXT)
    assert world.group().until == (VersionUntil("1.3", or_equal=False),)

    assert not world.note(0, version="1.2").is_regression
    assert not world.note(0, version="1.3").is_regression
    assert world.note(0, version="1.4").is_regression


def test_without_versions_a_later_crash_reopens_and_an_old_one_never(
    world: World,
) -> None:
    world.note()
    world.change(state=RESOLVED)
    assert world.group().until == (CrashUntil(world.now),)

    # It crashed before, on a host that was offline for days.
    assert not world.note(crashed=NOW - 3600).is_regression
    assert world.note().is_regression


def test_there_is_no_next_version_of_what_has_none(world: World) -> None:
    world.note(version="main")
    with pytest.raises(UsageError, match="there is no next one"):
        world.change(state=RESOLVED, resolution=Resolution.NEXT)


def test_the_project_says_what_its_version_is_and_how_it_compares(
    world: World,
) -> None:
    world.settings(GroupSettings(("package",), "dpkg"))
    world.note(package="1.0-9+deb12u9", version="9")
    world.change(state=RESOLVED)

    assert not world.note(package="1.0-9+deb12u8").is_regression
    assert not world.note(version="10").is_regression
    assert world.note(package="1.0-9+deb12u10").is_regression


def test_a_mute_has_an_end(world: World) -> None:
    world.note()
    with pytest.raises(UsageError, match="a mute needs an end"):
        world.change(state=MUTED)
    assert world.group().state == "open"


def test_a_mute_ends_by_count_of_what_came_since(world: World) -> None:
    for _ in range(5):
        world.note()
    world.change(state=MUTED, until=(CountUntil(3),))

    world.note()
    world.note()
    assert world.group().state == "muted"
    assert not world.note().is_regression  # it was never resolved
    assert (world.group().state, world.group().reopened) == ("open", 1)


def test_a_mute_ends_by_the_number_of_hosts(world: World) -> None:
    world.note(hostname="a")
    world.change(state=MUTED, until=(HostsUntil(2),))

    for _ in range(3):
        world.note(hostname="a")
    assert world.group().state == "muted"
    world.note(hostname="b")
    assert world.group().state == "open"

    world.change(state=MUTED, until=(HostsUntil(2),))
    world.note(hostname="a")
    assert world.group().state == "muted"  # hosts are counted anew


def test_a_state_ends_when_an_attribute_matches(world: World) -> None:
    world.note()
    world.change(state=MUTED, until=(AttributeUntil("hostname", "^prod-"),))

    world.note(hostname="test-1")
    assert world.group().state == "muted"
    world.note(hostname="prod-1")
    assert world.group().state == "open"
    assert 'hostname matches "^prod-"' in world.group().history[-1].why


def test_all_of_several_conditions_hold_for_one_fault(world: World) -> None:
    both = AllUntil((VersionUntil("2"), AttributeUntil("hostname", "^prod-")))
    world.note()
    world.change(state=RESOLVED, until=(both,))

    assert not world.note(version="2.0", hostname="test").is_regression
    assert not world.note(version="1.0", hostname="prod-1").is_regression
    assert world.note(version="2.0", hostname="prod-1").is_regression


def test_time_ends_a_state_without_any_fault(world: World) -> None:
    store = Store(world.state, cast("Objects", None), cast("Index", None))
    world.note(0)
    world.note(1)
    world.change(0, state=MUTED, until=(TimeUntil(NOW + 500), CountUntil(9)))
    world.change(1, state=MUTED, until=(TimeUntil(NOW + 900),))

    assert reopen_due(store, NOW + 499) == 0
    assert reopen_due(store, NOW + 500) == 1
    assert reopen_due(store, NOW + 500) == 0
    assert (world.group(0).state, world.group(1).state) == ("open", "muted")
    last = world.group(0).history[-1]
    assert (last.who, last.why) == ("coroner", "it is past 2023-11-14 22:21:40 UTC")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"until": (CountUntil(1),)}, "have an end"),
        ({"state": State.OPEN, "until": (CountUntil(1),)}, "have an end"),
        ({"state": RESOLVED, "until": (VersionUntil("main"),)}, "no version by semver"),
        ({"state": MUTED, "until": (AttributeUntil("a", "(a*)*"),)}, "for ever"),
        ({"state": MUTED, "until": (AttributeUntil("a", "("),)}, "regular expression"),
        ({"add_tags": tuple(f"t{n}" for n in range(65))}, "64 tags"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    world: World, change: dict[str, Any], words: str
) -> None:
    world.note()
    with pytest.raises(UsageError, match=words):
        world.change(**change)
    assert world.group().history == ()


def test_one_id_that_is_none_leaves_all_groups_as_they_were(world: World) -> None:
    world.note(0)
    with pytest.raises(Exception, match="no group"):
        world.change(0, 1, assignee="kim")
    assert world.group().assignee == ""
    assert world.group().id == bug(0)
