"""A fleet: one store, and sites with hosts, each site in a namespace of its own."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import attrs
import msgspec

from fleet.clock import Clock
from fleet.ledger import Ledger, read_ledger
from fleet.memory import memory_below
from fleet.network import Network, Place
from fleet.orders import (
    Crash,
    Crashes,
    End,
    HostOrder,
    Hosts,
    Order,
    Restart,
    Standing,
    Want,
)
from fleet.store import Store
from fleet.watching import Watch

__all__ = ["Fleet", "Site", "Way", "running_fleet"]

_PATIENCE = 600.0
"""Seconds after which what did not happen is taken to be hanging."""
_UNKNOWN = Standing(0, False, 0)
_NICENESS = 3
"""Real hosts have processors of their own, and the store has its."""


@attrs.frozen
class Way:
    """How a host reaches the store, and how it tries."""

    address: str
    token: str
    authority: Path | None = None
    """Certificate that the store is trusted by."""
    retry_first: str = "1s"
    retry_most: str = "15s"
    project: str = "blackhole"


@attrs.define
class Site:
    """The hosts of one place."""

    place: Place
    directory: Path
    hosts: list[HostOrder]
    process: subprocess.Popen[bytes]
    clock: Clock | None = None
    """None: the machine's."""
    standing: Standing = _UNKNOWN

    @property
    def ledger(self) -> Path:
        return self.directory / "ledger"

    def order(self, order: Order) -> None:
        """Give an order; ``Fleet.wait`` returns after it was carried out."""
        assert self.process.stdin is not None
        self.standing = _UNKNOWN
        self.process.stdin.write(msgspec.json.encode(order) + b"\n")
        self.process.stdin.flush()

    def listen(self) -> None:
        """Take down how it stands, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.standing = msgspec.json.decode(line, type=Standing)


@attrs.define
class Fleet:
    """Everything of one scenario."""

    directory: Path
    network: Network
    store: Store
    watch: Watch
    sites: list[Site] = attrs.field(factory=list)
    processes: list[subprocess.Popen[bytes]] = attrs.field(factory=list)
    """What else runs."""
    memory: int = 0
    """The most bytes that all sites together were seen to have."""

    # --- making it ------------------------------------------------------------------

    def add_site(
        self,
        number: int,
        names: Sequence[str],
        way: Way,
        *,
        rate: str = "",
        ahead: int | None = None,
        is_started: bool = True,
    ) -> Site:
        """Make a site with these hosts, whose clocks are ``ahead`` seconds ahead."""
        site = self._start_site(number, rate, ahead)
        self.add_hosts(site, names, way, is_started=is_started)
        return site

    def add_hosts(
        self, site: Site, names: Sequence[str], way: Way, *, is_started: bool = True
    ) -> None:
        """Make more hosts at a site."""
        hosts = [self._make_host(site.directory, name, way) for name in names]
        site.hosts += hosts
        site.order(Hosts(tuple(hosts), is_started))

    def add_clones(self, number: int, originals: Site, way: Way) -> Site:
        """Make a site whose hosts are copies of others, whose daemons do not run."""
        site = self._start_site(number, "", None)
        for host in originals.hosts:
            shutil.copytree(host.directory, site.directory / host.name)
            self.configure(site.directory / host.name, way)
            place = str(site.directory / host.name)
            site.hosts.append(HostOrder(host.name, place, host.machine_id))
        site.order(Hosts(tuple(site.hosts)))
        return site

    def _start_site(self, number: int, rate: str, ahead: int | None) -> Site:
        address = f"10.77.{1 + number // 200}.{1 + number % 200}"
        place = self.network.add(f"site-{number}", address, rate)
        directory = self.directory / place.name
        directory.mkdir()
        clock = None if ahead is None else Clock.make(directory, ahead)
        with (directory / "log").open("wb") as log:
            process = place.popen(
                [sys.executable, "-m", "fleet.site", str(directory / "ledger")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                environment=clock.environment if clock else None,
                niceness=_NICENESS,
            )
        site = Site(place, directory, [], process, clock)
        threading.Thread(target=site.listen, daemon=True).start()
        self.sites.append(site)
        return site

    def _make_host(self, directory: Path, name: str, way: Way) -> HostOrder:
        where = directory / name
        where.mkdir()
        self.configure(where, way)
        return HostOrder(name, str(where), hashlib.md5(name.encode()).hexdigest())

    def configure(self, host: Path, way: Way) -> None:
        """Write a host's settings; a daemon that runs has them once restarted."""
        authority = f"ssl.ca = {way.authority}\n" if way.authority else ""
        store = host / "coroner.cf"
        store.write_text(
            f"[universe]\nname = cf\nwrite = {way.address}\nread = {way.address}\n"
            f"{authority}[token]\n{way.project} = {way.token}\n"
        )
        store.chmod(0o600)
        (host / "coresnap.conf").write_text(
            f"[archive]\nroot = {host / 'root'}\n[sending]\nstore.config = {store}\n"
            f"send.retry.first = {way.retry_first}\n"
            f"send.retry.most = {way.retry_most}\n"
        )

    # --- telling it -----------------------------------------------------------------

    def crash(self, crashes: Iterable[Crash]) -> None:
        """Let crashes happen, each at the site of its host."""
        wanted = list(crashes)
        for site in self.sites:
            names = {host.name for host in site.hosts}
            here = tuple(crash for crash in wanted if crash.host in names)
            if here:
                site.order(Crashes(here))

    def restart(self, names: Iterable[str]) -> None:
        """Restart daemons."""
        self._order_hosts(names, Restart)

    def want(self, names: Iterable[str]) -> None:
        """Ask these hosts for everything that waits."""
        self._order_hosts(names, Want)

    def _order_hosts(
        self, names: Iterable[str], order: Callable[[tuple[str, ...]], Order]
    ) -> None:
        wanted = set(names)
        for site in self.sites:
            here = tuple(host.name for host in site.hosts if host.name in wanted)
            if here:
                site.order(order(here))

    # --- waiting for it -------------------------------------------------------------

    def wait_until_ready(self) -> None:
        """Return when all orders are carried out and all crashes have happened."""
        self.wait(lambda: all(site.standing.ready for site in self.sites))

    def wait_until_sent(self, seconds: float = _PATIENCE) -> bool:
        """Return when nothing waits any more; False if that takes too long."""

        def is_sent() -> bool:
            return all(
                site.standing.ready and site.standing.waiting == 0
                for site in self.sites
            )

        with contextlib.suppress(TimeoutError):
            self.wait(is_sent, seconds)
            return True
        return False

    def wait(self, holds: Callable[[], bool], seconds: float = _PATIENCE) -> None:
        """Return when something holds. Raises TimeoutError, or what a site raised."""
        deadline = time.monotonic() + seconds
        while not holds():
            for site in self.sites:
                if site.standing.error or site.process.poll() is not None:
                    log = (site.directory / "log").read_text()
                    raise RuntimeError(f"{site.place.name}: {site.standing.error}{log}")
            if time.monotonic() > deadline:
                raise TimeoutError("it does not happen")
            time.sleep(0.1)
        self.note_memory()

    def note_memory(self) -> None:
        """Look how much memory the sites have."""
        pids = [site.process.pid for site in self.sites]
        self.memory = max(self.memory, sum(map(memory_below, pids)))

    def wait_until_indexed(self) -> None:
        """Return when the store's queue is empty."""

        def is_empty() -> bool:
            status = self.store.status()
            return status is not None and status.queued == 0

        self.wait(is_empty)

    @property
    def hosts(self) -> list[str]:
        return [host.name for site in self.sites for host in site.hosts]

    @property
    def waiting(self) -> int:
        return sum(site.standing.waiting for site in self.sites)

    def ledger(self) -> Ledger:
        """Read what happened so far."""
        return read_ledger(site.ledger for site in self.sites)

    def close(self) -> None:
        """End everything, as a shutdown does; what does not end is killed."""
        for site in self.sites:
            with contextlib.suppress(OSError):
                site.order(End())
        for site in self.sites:
            try:
                site.process.wait(30)
            except subprocess.TimeoutExpired:
                site.process.kill()
                site.process.wait()
        self.watch.end()
        self.store.end()
        for process in self.processes:
            process.kill()
            process.wait()
        self.network.remove()


@contextlib.contextmanager
def running_fleet(
    directory: Path,
    options: tuple[str, ...] = (),
    projects: tuple[str, ...] = ("blackhole",),
) -> Iterator[Fleet]:
    """Run a store below ``directory``, without any site yet."""
    directory.mkdir()
    network = Network()
    store = Store(
        network.add("store", "10.77.0.1"), directory / "store", options, projects
    )
    store.start()
    watch = Watch(store.status, store.memory, store.place)
    fleet = Fleet(directory, network, store, watch)
    watch.start()
    try:
        yield fleet
    finally:
        fleet.close()
        shutil.rmtree(directory)
