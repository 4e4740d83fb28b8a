"""The packages are removed, and then purged."""

from __future__ import annotations

from system.world import World

__all__ = ["removing"]

_APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y"


def removing(world: World) -> None:
    """Remove: core_pattern is as it was, and data stays. Purge: data goes too."""
    guest = world.guest
    guest.shell(f"{_APT} remove coroner-server coresnap", timeout=240 * world.patience)
    pattern = world.kernel("kernel/core_pattern")
    world.expect(
        "removed: core_pattern is as found", pattern == world.found_pattern, pattern
    )
    kept = guest.shell("ls /var/coresnap/archive/sending | wc -l").strip()
    world.expect("removed: the crashes are kept", int(kept) > 0, f"{kept} snapshots")
    state = guest.run("test", "-e", "/var/coroner/state.sqlite").code
    world.expect("removed: the store is kept", state == 0)
    _expect_nobody(world, "removed")
    guest.shell(f"{_APT} purge coroner-server coresnap", timeout=240 * world.patience)
    left = guest.run(
        "ls", "-d", "/var/coresnap", "/var/coroner", "/etc/coresnap",
        "/usr/lib/coresnap", "/usr/libexec/coresnap-catch",
    ).out.split()  # fmt: skip
    world.expect("purged: nothing is left", not left, " ".join(left))
    users = guest.run("getent", "passwd", "coresnap", "coroner").out.split()
    world.expect("purged: their users are gone", not users, " ".join(users))
    pattern = world.kernel("kernel/core_pattern")
    world.expect(
        "purged: core_pattern is as found", pattern == world.found_pattern, pattern
    )


def _expect_nobody(world: World, when: str) -> None:
    text = world.guest.output("ps", "-e", "-o", "args=")
    left = [line for line in text.splitlines() if "/coresnap" in line]
    world.expect(f"{when}: no process of theirs is left", not left, "; ".join(left))
