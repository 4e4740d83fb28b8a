"""What steps work with: the machine, the way into its guest, the ledger, the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from system.channel import Channel, Ended
from system.host import TroubleError
from system.ledger import Crash, Fate, Ledger
from system.machine import Machine
from system.report import Expectation, Report

__all__ = ["PROGRAMS", "PROJECT", "World"]

T = TypeVar("T")

PROGRAMS = "/opt/programs"
"""Where the programs that crash are in the guest."""
PROJECT = "blackhole"
_ADMINISTRATOR = ("-c", "/var/coroner/coroner.cf")
SIGSEGV = 11


@attrs.define
class World:
    """One run."""

    machine: Machine
    guest: Channel
    patience: float
    """How much longer than on real hardware everything may take."""
    ledger: Ledger = attrs.field(factory=Ledger)
    report: Report = attrs.field(factory=Report)
    found_pattern: str = ""
    """``core_pattern`` before anything was installed."""
    boots: list[str] = attrs.field(factory=list)
    """Ids of the boots, in their order."""
    _step: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do what belongs to a step; what goes wrong is an expectation not met."""
        self._step, began = name, time.monotonic()
        self.report.seconds[name] = 0.0
        try:
            yield
        except TroubleError as error:
            self.expect("the step can be done to its end", False, str(error))
            raise
        finally:
            self.report.seconds[name] = time.monotonic() - began

    def expect(self, text: str, is_met: object, seen: object = "") -> None:
        """Note whether something is as it has to be."""
        one = Expectation(self._step, text, bool(is_met), str(seen))
        self.report.expectations.append(one)

    # --- the machine ------------------------------------------------------------

    def power_on(self) -> None:
        """Start the machine and wait for its agent."""
        self.machine.power_on()
        self.wait_for_boot()

    def wait_for_boot(self) -> None:
        """Wait until the guest answers and systemd has started all; mount our disk."""
        self.boots.append(self.guest.wait_for_boot(60 * self.patience))
        words = ("systemctl", "is-system-running", "--wait")
        self.guest.run(*words, timeout=60 * self.patience)
        self.guest.output("mount", "--mkdir", "-o", "ro", "/dev/vdb", "/payload")

    def power_off(self) -> bool:
        """Let the guest end in order; whether it did."""
        self.guest.begin("systemctl", "poweroff")
        is_off = self.machine.wait_until_off(60 * self.patience)
        self.guest.close()
        return is_off

    def wait_until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """Look until there is something, or for so many seconds of real hardware."""
        return self.guest.wait_until(look, seconds * self.patience)

    # --- crashes ------------------------------------------------------------------

    def crash(
        self,
        *words: str,
        program: str = "",
        fate: Fate = Fate.STORED,
        user: int | None = None,
        signal: int = SIGSEGV,
    ) -> Ended:
        """Run a program that is to crash, and enter it in the ledger."""
        ended = self.guest.run(*words, timeout=60 * self.patience, user=user)
        name = program or words[0].rpartition("/")[2]
        self.enter(name, ended.pid, ended.end, fate, signal)
        if ended.signal != signal:
            self.expect(f"{name} dies of signal {signal}", False, f"{ended}")
        return ended

    def enter(
        self,
        program: str,
        pid: int | None,
        when: int,
        fate: Fate = Fate.STORED,
        signal: int = SIGSEGV,
    ) -> None:
        """Enter a crash in the ledger."""
        crash = Crash(program, pid, signal, when, fate, self._step)
        self.ledger.crashes.append(crash)

    # --- what coresnap says -----------------------------------------------------------

    def archives(self) -> list[dict[str, Any]]:
        """Return what ``coresnap list`` has."""
        words = ("coresnap", "list", "-a", "--json")
        found: list[dict[str, Any]] = self.guest.json(*words)["archives"]
        return found

    def status(self) -> dict[str, Any]:
        """Return what ``coresnap status`` says."""
        found: dict[str, Any] = self.guest.json("coresnap", "status", "--json")
        return found

    def coroner(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        """Ask the store as its administrator."""
        command, *rest = words
        return self.guest.json("coroner", command, *_ADMINISTRATOR, *rest, "--json")

    def kernel(self, name: str) -> str:
        """Return one of the kernel's settings, ``kernel/core_pattern``."""
        return self.guest.output("cat", f"/proc/sys/{name}").strip()

    def settle(self, seconds: float = 60) -> bool:
        """Wait until nothing waits for analysis or for the store; whether that came."""

        def is_settled() -> bool:
            return not any(_waits(archive) for archive in self.archives())

        return bool(self.wait_until(is_settled, seconds))


def _waits(archive: dict[str, Any]) -> bool:
    if archive["dumping"] or (archive["stage"] == "pending" and archive["core"]):
        return True
    sending = archive["sending"]
    return bool(archive["snapshot"]) and (
        sending is None or sending["state"] == "waiting"
    )
