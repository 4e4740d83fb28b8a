"""``coresnap symbols``: what a core needs to be read, and getting it."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.escape import printable, without_surrogates
from coresnap.views.cli import symbol_options
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.wanted import Fetched, Wanted
    from coresnap.analysis.session import KeptFile
    from coresnap.analysis.symbol_needs import ModuleNeed
    from coresnap.views.cli.symbol_options import SymbolSources

NAME = "symbols"
HELP = "what a core needs to be read, and getting it"
DESCRIPTION = """\
list CORE         says of every module that a frame of CORE stands in whether its
                  executable and its debug information are here, and where; asks no
                  server
fetch CORE        fetches what is missing from debuginfod servers, then lists
fetch --build-id  fetches executable and debug information of build-ids
add DIR FILE...   puts executables, libraries and debug files into a symbol directory

CORE is a core file, or a crash named as `coresnap list` does.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``symbols``."""
    parser.add_argument(
        "action",
        metavar="list|fetch|add",
        choices=("list", "fetch", "add"),
        help="what to do",
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="list, fetch: CORE [EXE]; add: DIR FILE...",
    )
    parser.add_argument(
        "--all", action="store_true", help="list: all modules, in frames or not"
    )
    parser.add_argument(
        "--build-id",
        metavar="ID",
        action="append",
        default=[],
        help="fetch: this build-id instead of what a core needs (repeatable)",
    )
    parser.add_argument(
        "--into",
        metavar="DIR",
        type=Path,
        help="fetch: also add what came to this symbol directory",
    )
    symbol_options.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """List, fetch or add."""
    _check(arguments)
    if arguments.action == "add":
        return _add(arguments)
    sources = symbol_options.sources(arguments)
    if arguments.action == "fetch" and sources.debuginfod is None:
        raise UsageError(
            "there is no debuginfod server to ask",
            remedy="Give --debuginfod URL, or set debuginfod.urls in coresnap.conf.",
        )
    if arguments.build_id:
        return _fetch_build_ids(arguments, sources)
    return _needs(arguments, sources)


def _check(arguments: argparse.Namespace) -> None:
    action, names = arguments.action, arguments.names
    fetches = action == "fetch"
    if not fetches and (arguments.build_id or arguments.into):
        raise UsageError("--build-id and --into belong to `coresnap symbols fetch`")
    if action == "add" and len(names) < 2:
        raise UsageError("add needs a directory and at least one file")
    if arguments.build_id and names:
        raise UsageError("give a core or --build-id, not both")
    if action != "add" and not arguments.build_id and not 1 <= len(names) <= 2:
        raise UsageError(f"{action} needs a core, and perhaps its executable")


# --- what a core needs --------------------------------------------------------------


def _needs(arguments: argparse.Namespace, sources: SymbolSources) -> int:
    from coresnap.analysis.symbol_needs import symbol_needs

    name, *program = arguments.names
    with _opened(name, arguments) as (core, kept):
        needs = symbol_needs(
            core,
            Path(program[0]) if program else None,
            sysroot=sources.sysroot,
            debug_directories=sources.debug_directories,
            symbol_directories=sources.symbol_directories,
            kept=kept,
            fetcher=sources.fetcher() if arguments.action == "fetch" else None,
        )
    shown = [need for need in needs if need.needed or arguments.all]
    if arguments.into is not None:
        _add_fetched(arguments.into, shown)
    if arguments.json:
        emit(json.dumps([_as_json(need) for need in shown], indent=1) + "\n")
    else:
        emit("".join(_lines(shown)))
    return 0


@contextlib.contextmanager
def _opened(
    name: str, arguments: argparse.Namespace
) -> Iterator[tuple[Path, Sequence[KeptFile]]]:
    """Yield a plain core, and the copies of module files that came with it."""
    with contextlib.ExitStack() as held:
        path = Path(name)
        kept: Sequence[KeptFile] = ()
        if not path.exists():
            path, kept = held.enter_context(_archived(name, arguments))
        if path.is_file():
            from coresnap.collect.plain_core import restored

            path = held.enter_context(restored(path))
        yield path, kept


@contextlib.contextmanager
def _archived(
    name: str, arguments: argparse.Namespace
) -> Iterator[tuple[Path, tuple[KeptFile, ...]]]:
    from coresnap.analysis.session import KeptFile
    from coresnap.collect.kept_modules import kept_modules
    from coresnap.collect.spool import Part, Spool
    from coresnap.config import load_config

    if "/" in name.strip("/") and name.split("/")[0] not in ("pending", "sending"):
        raise MissingError(f"no core {name}")
    with contextlib.ExitStack() as held:
        spool = held.enter_context(Spool(load_config(arguments.config).spool))
        archive = spool.find(name)
        if not archive.has_core:
            raise MissingError(f"{archive.stage}/{archive.id} has no core any more")
        kept: tuple[KeptFile, ...] = ()
        if archive.has_assets:
            assets = spool.path(Part.ASSETS, archive.id).open("rb")
            tar = held.enter_context(assets)
            modules = held.enter_context(kept_modules(tar.fileno()))
            kept = tuple(
                KeptFile(Path(m.place), f"assets:{m.member}", m.path) for m in modules
            )
        yield spool.path(Part.CORE, archive.id), kept


def _as_json(need: ModuleNeed) -> dict[str, object]:
    return {
        "path": without_surrogates(need.path),
        "build_id": need.build_id,
        "needed": need.needed,
        "file": without_surrogates(need.file),
        "debug_file": without_surrogates(need.debug_file),
        "missing": [{"build_id": b, "kind": k} for b, k in need.missing],
        "searches": [
            {
                "what": search.what,
                "place": without_surrogates(search.place),
                "result": without_surrogates(search.result),
            }
            for search in need.searches
        ],
    }


def _lines(needs: list[ModuleNeed]) -> Iterator[str]:
    for need in needs:
        yield f"{printable(need.path)}\n"
        yield f"  build-id    {need.build_id or 'none'}\n"
        kinds = dict((kind, build_id) for build_id, kind in need.missing)
        yield f"  executable  {_place(need.file)}\n"
        yield f"  debug info  {_place(need.debug_file)}\n"
        if need.debug_file and "debuginfo" in kinds:
            yield f"  shared file missing: build-id {kinds['debuginfo']}\n"
        if need.missing:
            yield from _reasons(need)
        elif need.file is None and need.build_id is None:
            yield "  without its build-id only a copy of the file helps\n"
    lacking = sum(need.file is None or bool(need.missing) for need in needs)
    yield f"{len(needs)} modules, {lacking} of them lack something\n"


def _place(path: str | None) -> str:
    return "missing" if path is None else printable(path)


def _reasons(need: ModuleNeed) -> Iterator[str]:
    for search in need.searches:
        if search.result not in ("used", "not there"):
            yield f"    {printable(search.place)}: {printable(search.result)}\n"


# --- fetching and adding ------------------------------------------------------------


def _fetch_build_ids(arguments: argparse.Namespace, sources: SymbolSources) -> int:
    from coresnap.analysis.debuginfo.symbol_directory import is_build_id
    from coresnap.analysis.debuginfo.wanted import Wanted

    fetcher = sources.fetcher()
    assert fetcher is not None
    wanted: list[Wanted] = []
    for build_id in map(str.lower, arguments.build_id):
        if not is_build_id(build_id):
            raise UsageError(
                f"{build_id!r} is not a build-id: an even number of digits"
            )
        wanted += [Wanted(build_id, "executable"), Wanted(build_id, "debuginfo")]
    found = fetcher.fetch(wanted)
    if arguments.into is not None:
        _add_paths(arguments.into, [f.path for f in found.values() if f.path])
    emit(_told(found, as_json=arguments.json))
    return 0 if any(f.path for f in found.values()) else MissingError.exit_code


def _told(found: Mapping[Wanted, Fetched], *, as_json: bool) -> str:
    rows = [
        {
            "build_id": one.build_id,
            "kind": one.kind,
            "file": None if fetched.path is None else str(fetched.path),
            "result": "; ".join(f"{s.place}: {s.result}" for s in fetched.searches),
        }
        for one, fetched in found.items()
    ]
    if as_json:
        return json.dumps(rows, indent=1) + "\n"
    return "".join(
        f"{row['build_id']} {row['kind']}: {row['file'] or row['result']}\n"
        for row in rows
    )


def _add_fetched(directory: Path, needs: list[ModuleNeed]) -> None:
    fetched = {
        Path(search.place)
        for need in needs
        for search in need.searches
        if search.what == "debuginfod"
        and search.result == "used"
        and search.place.startswith("/")
    }
    _add_paths(directory, sorted(fetched))


def _add_paths(directory: Path, files: Sequence[Path]) -> list[tuple[Path, Path]]:
    from coresnap.analysis.debuginfo.symbol_store import add_file

    return [(file, place) for file in files for place in add_file(directory, file)]


def _add(arguments: argparse.Namespace) -> int:
    directory, *files = map(Path, arguments.names)
    added = _add_paths(directory, files)
    if arguments.json:
        rows = [{"file": str(file), "added": str(place)} for file, place in added]
        emit(json.dumps(rows, indent=1) + "\n")
    else:
        emit("".join(f"{printable(str(place))}\n" for _, place in added))
    return 0
