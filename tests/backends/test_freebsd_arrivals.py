"""When a core is complete, and that it is handed on once."""

from __future__ import annotations

import os
import stat

import attrs

from coresnap.backends.freebsd_arrivals import (
    LOOK_SECONDS,
    SETTLE_SECONDS,
    Arrival,
    Arrivals,
)
from coresnap.backends.freebsd_drops import DroppedFile
from coresnap.backends.freebsd_event import CoredumpEvent

FILE = DroppedFile(
    jid=0,
    place="/drop",
    name="77.0.11.prog.core",
    device=1,
    inode=2,
    mode=stat.S_IFREG | 0o600,
    links=1,
    uid=0,
    size=1000,
    modified=5,
)
EVENT = CoredumpEvent(core=os.fsencode(FILE.path), executable=b"/bin/prog")


@attrs.define
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def looked(arrivals: Arrivals, *files: DroppedFile) -> list[Arrival]:
    return list(arrivals.look(list(files)))


def test_a_core_that_was_told_of_is_handed_on_at_once_and_once() -> None:
    arrivals = Arrivals(Clock())
    arrivals.note(EVENT)

    assert looked(arrivals, FILE) == [Arrival(FILE, EVENT)]
    assert looked(arrivals, FILE) == []


def test_without_an_event_a_core_has_to_stay_as_it_is_for_a_while() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)

    assert looked(arrivals, FILE) == []
    clock.now += SETTLE_SECONDS - 1
    grown = attrs.evolve(FILE, size=2000, modified=6)
    assert looked(arrivals, grown) == []
    clock.now += SETTLE_SECONDS - 1
    assert looked(arrivals, grown) == []
    clock.now += 1
    assert looked(arrivals, grown) == [Arrival(grown, None)]


def test_an_empty_file_is_waited_for_and_then_handed_on() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)
    empty = attrs.evolve(FILE, size=0)
    arrivals.note(EVENT)

    assert looked(arrivals, empty) == []
    clock.now += SETTLE_SECONDS
    assert looked(arrivals, empty) == [Arrival(empty, EVENT)]


def test_a_core_that_is_still_there_is_handed_on_again_much_later() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)
    arrivals.note(EVENT)
    looked(arrivals, FILE)

    clock.now += SETTLE_SECONDS
    assert looked(arrivals, FILE) == []
    clock.now += 3600
    assert len(looked(arrivals, FILE)) == 1


def test_an_event_of_another_process_or_jail_is_not_of_this_file() -> None:
    arrivals = Arrivals(Clock())
    for other in (
        attrs.evolve(EVENT, pid=78),
        attrs.evolve(EVENT, jid=3),
        attrs.evolve(EVENT, core=b"/drop/78.0.11.prog.core"),
    ):
        arrivals.note(other)
        assert looked(arrivals, FILE) == []


def test_before_15_an_event_may_be_of_any_jail() -> None:
    arrivals = Arrivals(Clock())
    jailed = attrs.evolve(FILE, jid=3, place="/jails/a/drop")
    arrivals.note(EVENT)

    assert looked(arrivals, jailed) == [Arrival(jailed, EVENT)]


def test_r04_what_the_kernel_did_not_write_is_never_handed_on() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)
    planted = attrs.evolve(FILE, uid=1001)
    arrivals.note(EVENT)

    looked(arrivals, planted)
    clock.now += 3600
    assert looked(arrivals, planted) == []


def test_events_without_files_do_not_pile_up() -> None:
    arrivals = Arrivals(Clock())
    for number in range(5000):
        arrivals.note(attrs.evolve(EVENT, core=b"/drop/%d" % number))

    assert len(arrivals._events) <= 1000
    looked(arrivals)
    assert not arrivals._events


def test_it_wakes_when_a_file_may_have_settled() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)
    assert arrivals.wakes_in == LOOK_SECONDS

    looked(arrivals, FILE)
    assert arrivals.wakes_in == SETTLE_SECONDS
    clock.now += SETTLE_SECONDS
    looked(arrivals, FILE)
    assert arrivals.wakes_in == LOOK_SECONDS
