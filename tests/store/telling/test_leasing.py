"""Several servers at the same queue: what is told is told once, and in order."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from coresnap.model.notice import Event
from coresnap.store.telling.delivering import Delivering
from coresnap.store.telling.detecting import detect
from coresnap.store.telling.leasing import LEASE, Held, Leases
from store.groups.world import bug
from store.telling.conftest import CHANNEL, Telling

GROUPS = 20


def at(telling: Telling) -> Held:
    return Held(telling.project.id, CHANNEL)


def test_one_server_is_at_a_channel_until_it_gives_it_back(telling: Telling) -> None:
    one, two = Leases(telling.world.state), Leases(telling.world.state)
    now = 1_000_000
    assert one.take(at(telling), now)
    assert not one.take(at(telling), now)
    assert not two.take(at(telling), now)
    one.give_back(at(telling))
    assert two.take(at(telling), now)


def test_the_lease_of_a_dead_server_ends_and_of_a_living_one_goes_on(
    telling: Telling,
) -> None:
    dead, other = Leases(telling.world.state), Leases(telling.world.state)
    now = 1_000_000
    assert dead.take(at(telling), now)
    dead.renew(now + LEASE - 1)
    assert not other.take(at(telling), now + LEASE)
    assert other.take(at(telling), now + 2 * LEASE)
    dead.renew(now + 2 * LEASE)  # it lives after all, and does not get it back
    dead.give_back(at(telling))
    assert not Leases(telling.world.state).take(at(telling), now + 2 * LEASE)


def test_servers_that_look_at_once_queue_each_group_once(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    for kind in range(GROUPS):
        telling.world.note(kind)
    store = telling.store()
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(detect, store, telling.project) for _ in range(8)]
        queued = [look.result() for look in looks]
    assert sum(queued) == GROUPS


def test_servers_that_deliver_at_once_tell_each_group_once(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    for kind in range(GROUPS):
        telling.world.note(kind)
    telling.look()
    store, ways = telling.store(), telling.board.ways()

    def serve() -> None:
        leases = Leases(telling.world.state)
        end = time.monotonic() + 30
        while len(telling.board.pinned) < GROUPS and time.monotonic() < end:
            now = int(time.time() * 1000)
            for channel in leases.waiting(now):
                if leases.take(channel, now):
                    Delivering(store, telling.project, channel.name, ways).run()
                    leases.give_back(channel)
            # As servers do between two looks; else this keeps the one that tells from
            # the interpreter, and 20 deliveries take half a minute.
            time.sleep(0.01)

    with ThreadPoolExecutor(3) as pool:
        for server in [pool.submit(serve) for _ in range(3)]:
            server.result()
    told = [group for _, group in telling.board.told]
    assert sorted(told) == sorted(bug(kind) for kind in range(GROUPS))


class _KilledError(BaseException):
    """As a kill: nobody catches it."""


def test_what_a_kill_interrupts_is_told_with_the_same_id(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    succeeded = Delivering._succeeded

    def die(*_: object) -> None:
        raise _KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Delivering, "_succeeded", die)
        with pytest.raises(_KilledError):
            telling.deliver()
    assert Delivering._succeeded is succeeded
    telling.deliver()
    first, second = telling.board.pinned  # the other side knows both by one id
    assert first.id == second.id
