"""``coroner reindex``: make the index again from what the store keeps."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import ConfigError, MissingError

if TYPE_CHECKING:
    from coresnap.store.index.rebuild import Progress, Rebuilt
    from coresnap.store.project import Project
    from coresnap.store.store import Store

NAME = "reindex"
HELP = "make the index again, from the store's own objects"
DESCRIPTION = """\
Forgets the index of each project and makes it again from the segments that were kept
when faults were indexed. A segment that is lost or damaged is replaced by what the
snapshots of its faults say. Nothing else is changed; interrupted, it can be run again.

It works on the store itself, so stop the server first: DuckDB's files and SQLite's
belong to one process. A server whose index is missing or damaged does the same by
itself when it starts.

  coroner reindex --data /var/coroner
  coroner reindex --data ./store --project blackhole --from-snapshots
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``reindex``."""
    parser.add_argument(
        "--settings", metavar="FILE", type=Path, help="read coronerd.conf from FILE"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="the store's directory"
    )
    parser.add_argument(
        "--project",
        metavar="NAME",
        action="append",
        help="only this project, of any universe; several times",
    )
    parser.add_argument(
        "--from-snapshots",
        action="store_true",
        help="read no segments: faults whose snapshot was dropped are lost",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rebuild; 0 if every fault is in the index, 1 if some are lost."""
    try:
        import duckdb  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the server's libraries are not installed: {error.name}",
            remedy="Install the package coroner-server, "
            "or run pip install 'coresnap[server]'.",
        ) from error
    from coresnap.config.server_reading import load_server_config
    from coresnap.store.access.projects import all_projects
    from coresnap.store.server.starting import open_configured

    given = {} if arguments.data is None else {"data": arguments.data}
    config = load_server_config(arguments.settings, given)
    if not config.store_database and not (config.data / "state.sqlite").is_file():
        raise MissingError(
            f"there is no store in {config.data}",
            remedy="Name its directory with --data.",
        )
    results = {}
    with open_configured(config) as store:
        with store.state.read() as connection:
            projects = all_projects(connection)
        for project in _chosen(projects, arguments.project):
            results[str(project)] = _rebuild(store, project, arguments)
    if arguments.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(_plain(results)).decode() + "\n")
    else:
        for name, result in results.items():
            print(_line(name, result))
    return 1 if any(result.lost for result in results.values()) else 0


def _chosen(projects: tuple[Project, ...], names: list[str] | None) -> list[Project]:
    if names is None:
        return list(projects)
    unknown = set(names) - {project.name for project in projects}
    if unknown:
        raise MissingError(
            f"there is no project {', '.join(sorted(unknown))}",
            remedy=f"There are: {', '.join(str(project) for project in projects)}.",
        )
    return [project for project in projects if project.name in names]


def _rebuild(store: Store, project: Project, arguments: argparse.Namespace) -> Rebuilt:
    from coresnap.store.index.rebuild import rebuild
    from coresnap.store.index.recovery import SnapshotRecovery
    from coresnap.store.server.validation.pool import Validators

    validators = Validators(count=1, memory=1 << 30, seconds=30)
    told = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal told
        if sys.stderr.isatty() and time.monotonic() - told > 1:
            told = time.monotonic()
            share = f"{progress.segment} of {progress.last} segments"
            print(f"{project}: {share}, {progress.faults} faults", file=sys.stderr)

    try:
        return rebuild(
            store,
            project.id,
            SnapshotRecovery(store.objects, validators),
            report,
            from_snapshots=arguments.from_snapshots,
        )
    finally:
        validators.close()


def _line(name: str, result: Rebuilt) -> str:
    text = f"{name}: {result.faults} faults from {result.segments} segments"
    if result.damaged:
        text += (
            f"; {len(result.damaged)} of them not read,"
            f" {result.recovered} faults from snapshots, {result.lost} lost"
        )
    return text


def _plain(results: dict[str, Rebuilt]) -> dict[str, dict[str, object]]:
    return {
        name: {
            "segments": result.segments,
            "faults": result.faults,
            "recovered": result.recovered,
            "lost": result.lost,
            "damaged": list(result.damaged),
        }
        for name, result in results.items()
    }
