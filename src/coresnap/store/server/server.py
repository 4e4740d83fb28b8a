"""What handlers and loops of a server share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import attrs

from coresnap.config.server import ServerConfig
from coresnap.store.access.quotas import Quotas
from coresnap.store.access.rates import Rates
from coresnap.store.server.counters import Counters
from coresnap.store.server.doorkeeper import Doorkeeper
from coresnap.store.server.validation.pool import Validators
from coresnap.store.store import Store

__all__ = ["Log", "Server"]


class Log(Protocol):
    """Where the server says what happened."""

    def info(self, event: str, **facts: object) -> Any:  # noqa: ANN401 - structlog's
        """Say what happened."""

    def warning(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what somebody should look at."""

    def error(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what failed."""


@attrs.define
class Server:
    """One process of a server, and all that it holds."""

    store: Store
    config: ServerConfig
    log: Log
    staging: Path
    """Where what is sent lies until it is accepted; on this machine."""
    counters: Counters = attrs.field(factory=Counters)
    doorkeeper: Doorkeeper = attrs.field(init=False)
    quotas: Quotas = attrs.field(init=False)
    validators: Validators = attrs.field(init=False)
    putting: ThreadPoolExecutor = attrs.field(init=False)
    """Where what is sent is accepted: slow queries do not hold it up."""
    answering: ThreadPoolExecutor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        rate = config.limit_rate
        self.doorkeeper = Doorkeeper(
            self.store.state,
            Rates(rate.burst / rate.seconds, rate.burst),
            Rates(1 / 6, 20),
        )
        self.quotas = Quotas(self.store.state)
        self.validators = Validators(
            config.validation_children,
            config.validation_memory,
            config.validation_time,
        )
        self.putting = ThreadPoolExecutor(config.threads, "put")
        self.answering = ThreadPoolExecutor(config.threads, "answer")
