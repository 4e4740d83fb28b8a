"""``coroner serve``: run the object store's server."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

from coresnap.errors import ConfigError

NAME = "serve"
HELP = "run the object store's server"
DESCRIPTION = """\
Takes snapshots over HTTP, groups and indexes them, and answers questions about them.
One process and one directory are all it needs; PostgreSQL, S3 and ClickHouse take the
places of that directory's parts when several servers are to share them.

Started for the first time it makes the universe and its projects, and a token that
allows everything: it stands in DIR/coroner.cf, which `coroner -c` takes, and nowhere
else. SIGTERM ends it: what was begun is finished. SIGHUP makes it read certificates and
settings again.

  coroner serve --data ./store --project blackhole
  coroner serve --tls-certificate cert.pem --tls-key key.pem
"""

_OPTIONS = {
    "data": "data",
    "listen": "listen",
    "tls_certificate": "tls_certificate",
    "tls_key": "tls_key",
    "database": "store_database",
    "objects": "store_objects",
    "index": "store_index",
    "universe": "universe",
    "project": "projects",
}
"""Option to the field of ``ServerConfig`` that it takes the place of."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``serve``."""
    parser.add_argument(
        "--settings", metavar="FILE", type=Path, help="read coronerd.conf from FILE"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="keep everything below DIR"
    )
    parser.add_argument(
        "--listen",
        metavar="URL",
        action="append",
        help="listen on http://ADDRESS:PORT or https://ADDRESS:PORT; several times",
    )
    parser.add_argument(
        "--tls-certificate", metavar="FILE", type=Path, help="certificate chain, PEM"
    )
    parser.add_argument("--tls-key", metavar="FILE", type=Path, help="its key, PEM")
    parser.add_argument("--database", metavar="URL", help="state: postgresql://…")
    parser.add_argument("--objects", metavar="URL", help="snapshots: DIR or s3://…")
    parser.add_argument("--index", metavar="URL", help="index: clickhouse://…")
    parser.add_argument("--universe", metavar="NAME", help="make this universe")
    parser.add_argument(
        "--project",
        metavar="NAME",
        action="append",
        help="make this project in it; several times",
    )
    parser.add_argument("--json", action="store_true", help="log as JSON lines")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    try:
        import duckdb  # noqa: F401
        import jinja2  # noqa: F401
        import sqlalchemy  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the server's libraries are not installed: {error.name}",
            remedy="Install the package coroner-server, "
            "or run pip install 'coresnap[server]'.",
        ) from error
    from coresnap.config.server_reading import load_server_config
    from coresnap.daemon.log import make_logger
    from coresnap.daemon.service import tell_manager, watchdog_seconds
    from coresnap.store.server.starting import run_server
    from coresnap.views.cli.coroner.ways import ways_of
    from coresnap.views.web.console import console_routes

    gc.enable()  # see process.py: this one does not end soon
    given = {
        field: value
        for option, field in _OPTIONS.items()
        if (value := getattr(arguments, option)) is not None
    }
    log = make_logger(json=arguments.json, syslog=False, name="coroner")
    run_server(
        lambda: load_server_config(arguments.settings, given),
        log,
        tell_manager,
        watchdog_seconds(),
        console_routes,
        ways_of,
    )
    return 0
