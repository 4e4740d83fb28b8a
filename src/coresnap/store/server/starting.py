"""From settings to a server that runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
from starlette.routing import BaseRoute

from coresnap.config.server import ServerConfig
from coresnap.errors import ConfigError, StorageError
from coresnap.model.message_id import MessageId
from coresnap.store.access.projects import ensure_project, ensure_universe
from coresnap.store.access.tokens import create_token, has_admin
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.tokens import NewToken
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.server.app import make_app
from coresnap.store.server.background import loops_of
from coresnap.store.server.listeners import Listener, parse_listener
from coresnap.store.server.log import Log
from coresnap.store.server.monitoring.app import MetricsApp
from coresnap.store.server.server import Server
from coresnap.store.server.serving import Manager, Serving
from coresnap.store.store import Store
from coresnap.store.telling.ways import Ways

__all__ = ["listeners_of", "metrics_of", "open_configured", "run_server"]

_DEFAULT = "http://127.0.0.1:6097"
_DEFAULT_TLS = ("https://0.0.0.0:6098", "https://0.0.0.0:4097")


def run_server(
    read_config: Callable[[], ServerConfig],
    log: Log,
    tell_manager: Manager,
    watchdog_seconds: float | None = None,
    faces_of: Callable[[Server], Sequence[BaseRoute]] = lambda server: (),
    ways_of: Callable[[ServerConfig], Ways] = lambda config: Ways(),
) -> None:
    """Serve until SIGTERM or SIGINT; the settings are read again after SIGHUP.

    ``faces_of`` are its pages, ``ways_of`` the kinds of channels to people.

    Raises ConfigError, AccessError, ConflictError or StorageError if it cannot begin.
    """
    config = read_config()
    listeners = listeners_of(config)
    with open_configured(config) as store:
        _make_projects(store, config)
        server = Server(store, config, log, _staging(config), ways_of(config))
        server.validators.start()

        def reload() -> None:
            config = read_config()
            server.ways = ways_of(config)
            server.renew(config)

        serving = Serving(
            server=server,
            app=make_app(server, faces_of(server)),
            listeners=listeners,
            metrics=metrics_of(server),
            loops=loops_of(server),
            tell_manager=tell_manager,
            watchdog_seconds=watchdog_seconds,
            on_reload=reload,
            on_listening=lambda addresses: _grant_first_token(
                store, config, addresses[0], log
            ),
        )
        try:
            serving.run()
        finally:
            # What was begun ends; the next server tells what did not begin.
            server.telling.shutdown(cancel_futures=True)
            server.validators.close()


def listeners_of(config: ServerConfig) -> list[Listener]:
    """Return where to listen; raise ConfigError for what cannot be."""
    default = _DEFAULT_TLS if config.tls_certificate is not None else (_DEFAULT,)
    found = [parse_listener(text) for text in config.listen or default]
    if config.tls_certificate is None and any(f.scheme == "https" for f in found):
        raise ConfigError(
            "https needs a certificate",
            remedy="Give --tls-certificate and --tls-key, or listen on http://.",
        )
    return found


def metrics_of(server: Server) -> tuple[Listener, MetricsApp] | None:
    """Return where metrics are to be served, and what does; None for nowhere."""
    if server.config.metrics_listen is None:
        return None
    host, port = server.config.metrics_listen
    return Listener("http", host, port), MetricsApp(server)


@contextlib.contextmanager
def open_configured(config: ServerConfig) -> Iterator[Store]:
    """Open the store that the settings describe; raise what opening raises."""
    settings = StoreSettings(
        config.data,
        database_url=config.store_database,
        objects_url=config.store_objects,
        index_url=config.store_index,
    )
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def _make_projects(store: Store, config: ServerConfig) -> None:
    with store.state.write() as connection:
        ensure_universe(connection, config.universe)
        for name in config.projects:
            ensure_project(connection, config.universe, name)


def _grant_first_token(
    store: Store, config: ServerConfig, address: Listener, log: Log
) -> None:
    """Make an administrator's token if there is none.

    It is written before the commit: its digits stand nowhere else.
    """
    with store.state.write() as connection:
        if has_admin(connection, config.universe):
            return
        wanted = NewToken("admin", (Capability.ADMIN,))
        made = create_token(connection, config.universe, wanted, "coroner serve")
        path = _write_client_config(config, address, made.token)
    log.info(
        f"a token that allows everything in universe {config.universe} is in {path}; "
        f"try: coroner -c {path} summary",
        message_id=MessageId.SERVER_FIRST_TOKEN,
    )


def _write_client_config(config: ServerConfig, address: Listener, token: str) -> Path:
    """Write the first administrator's coroner.cf, which the ``coroner`` command takes;
    return its path."""
    host = "127.0.0.1" if address.host == "0.0.0.0" else address.host
    address = attrs.evolve(address, host=host)
    place = str(address).partition("://")[2]
    text = f"""\
[universe]
name = {config.universe}
write = {address}
read = {place}
read.ssl.enabled = {"true" if address.scheme == "https" else "false"}
[token]
admin = {token}
"""
    path = config.data / "coroner.cf"
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # of a server whose state is not there any more
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return path


def _staging(config: ServerConfig) -> Path:
    staging = config.data / "staging"
    try:
        staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot use {staging}: {error.strerror}") from error
    return staging
