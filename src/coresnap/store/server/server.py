"""What handlers and loops of a server share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from coresnap.config.server import ServerConfig
from coresnap.store.access.quotas import Quotas
from coresnap.store.access.rates import Rates
from coresnap.store.retention.fullness import Fullness
from coresnap.store.server.counters import Counters
from coresnap.store.server.doorkeeper import Doorkeeper
from coresnap.store.server.log import Log
from coresnap.store.server.monitoring.instruments import Instruments
from coresnap.store.server.retention import disk_shortage, instance_of
from coresnap.store.server.scrubbing import ScrubbingRules
from coresnap.store.server.validation.pool import Validators
from coresnap.store.store import Store
from coresnap.store.telling.ways import Ways

__all__ = ["Server"]


_CHANNELS = 4


@attrs.define
class Server:
    """One process of a server, and all that it holds."""

    store: Store
    config: ServerConfig
    log: Log
    staging: Path
    """Where what is sent lies until it is accepted; on this machine."""
    ways: Ways = attrs.field(factory=Ways)
    """To people."""
    counters: Counters = attrs.field(factory=Counters)
    instruments: Instruments = attrs.field(factory=Instruments)
    doorkeeper: Doorkeeper = attrs.field(init=False)
    quotas: Quotas = attrs.field(init=False)
    fullness: Fullness = attrs.field(init=False)
    scrubbing: ScrubbingRules = attrs.field(init=False)
    validators: Validators = attrs.field(init=False)
    putting: ThreadPoolExecutor = attrs.field(init=False)
    """Where what is sent is accepted: slow queries do not hold it up."""
    answering: ThreadPoolExecutor = attrs.field(init=False)
    telling: ThreadPoolExecutor = attrs.field(init=False)
    """Where channels are told: one that hangs does not hold the others up."""

    def __attrs_post_init__(self) -> None:
        config = self.config
        state = self.store.state
        self.doorkeeper = Doorkeeper(state, _rates(config), Rates(1 / 6, 20))
        self.quotas = Quotas(state)
        self.fullness = Fullness(
            state,
            lambda: instance_of(self.config).policy,
            lambda: disk_shortage(self.config, 0.5),
        )
        self.scrubbing = ScrubbingRules(state)
        self.validators = Validators(
            config.validation_children,
            config.validation_memory,
            config.validation_time,
        )
        self.putting = ThreadPoolExecutor(config.threads, "put")
        self.answering = ThreadPoolExecutor(config.threads, "answer")
        self.telling = ThreadPoolExecutor(_CHANNELS, "tell")

    def renew(self, config: ServerConfig) -> None:
        """Let new limits and certificates hold; what says where things are waits for
        a restart, and is told in the log."""
        staying = {name: getattr(self.config, name) for name in _STAYING}
        changed = [n for n, value in staying.items() if getattr(config, n) != value]
        if changed:
            names = ", ".join(name.replace("_", ".", 1) for name in changed)
            self.log.warning(f"{names}: what is new waits for a restart")
        self.config = attrs.evolve(config, **staying)
        self.doorkeeper.requests = _rates(config)
        self.validators.memory = config.validation_memory
        self.validators.seconds = config.validation_time


_STAYING = (
    "data",
    "listen",
    "metrics_listen",
    "universe",
    "projects",
    "threads",
    "store_database",
    "store_objects",
    "store_index",
    "validation_children",
)


def _rates(config: ServerConfig) -> Rates:
    rate = config.limit_rate
    return Rates(rate.burst / rate.seconds, rate.burst)
