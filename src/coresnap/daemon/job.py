"""What a worker does with one core: analysed, with what was kept beside it, and noted.

It runs in the child alone, so what it needs is imported here only when it runs; the
daemon calls ``preload`` once, and its children have it.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from coresnap.collect.temporary_file import storage_error
from coresnap.daemon.additions import Additions, choose_project

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings
    from coresnap.analysis.fetching import Fetcher
    from coresnap.analysis.session import KeptFile
    from coresnap.config.rulesets import Ruleset
    from coresnap.model import Snapshot

__all__ = ["Job", "analyse_core", "preload", "with_plain_core"]

_READERS = ("coresnap.analysis", "coresnap.elfcore", "coresnap.snapshot")
_KEEPERS = tuple(
    f"coresnap.collect.{name}"
    for name in ("assets", "checks", "compression", "kept_modules", "plain_core")
)


@attrs.frozen
class Job:
    """What a worker is to analyse."""

    id: str
    core: Path
    """Nothing is there if ``is_record``."""
    core_size: int
    """Apparent bytes; 0 without a core."""
    assets: Path | None
    sysroot: Path | None
    debug_directories: tuple[Path, ...]
    is_record: bool = False
    """The core was never kept: the assets are all that there is."""
    additions: Additions = attrs.field(factory=Additions)
    """What the configuration adds to the snapshot."""
    plain: int | None = None
    """An empty file for the plain core; None if ``core`` is plain already."""
    output_limit: int | None = None
    """Bytes that the output may have; None for as many as a snapshot may."""
    symbol_directories: tuple[Path, ...] = ()
    cache: Path | None = None
    """With debug information that was decompressed; a worker can only read it."""
    debuginfod: DebuginfodSettings | None = None
    """Whom to ask for what is found nowhere; None for nobody."""
    rulesets: tuple[Ruleset, ...] = ()
    """The administrator's rules for fingerprints; a worker cannot read their files."""
    ruleset_problem: str = ""
    """Why they are not used."""
    fetcher: int | None = None
    """The worker's connection to who asks; it has no network itself."""


def analyse_core(job: Job, output: int) -> dict[str, Any]:
    """Analyse a core, or the record of one, with the notes of failed checks."""
    from coresnap.collect.checks import capture_notes, run_checks
    from coresnap.model import Note
    from coresnap.snapshot.container import write_snapshot

    job = with_plain_core(job)
    members, problems = _read_assets(job.assets)
    if job.is_record:
        failed = tuple(capture_notes(members))
    else:
        failed = run_checks(job.core, members)
    snapshot = _analyze(job, members)
    notes = (*failed, *(Note("assets", text) for text in problems))
    if job.ruleset_problem:
        notes += (Note("fingerprint", job.ruleset_problem),)
    snapshot = msgspec.structs.replace(snapshot, notes=snapshot.notes + notes)
    snapshot = _add(snapshot, job.additions, members)
    size = write_snapshot(snapshot, output)
    return {
        "size": size,
        "core_size": job.core_size,
        "fingerprint": snapshot.fingerprint,
        "signal": None if snapshot.signal is None else snapshot.signal.name,
        "sure": _is_sure(snapshot),
        "quality": snapshot.quality,
        "truncated": snapshot.truncated,
        "checks": [note.step for note in failed],
        "rung": snapshot.attributes.get("capture.rung"),
        "parked": snapshot.attributes.get("capture.parked"),
        "project": snapshot.attributes.get("coresnap.project"),
        "debug_files": [m.debug_file for m in snapshot.modules if m.debug_file],
    }


def _is_sure(snapshot: Snapshot) -> bool:
    """Whether more than the signal is certain or strong."""
    sure = [c for c in snapshot.classifiers if c.confidence in ("certain", "strong")]
    return len(sure) > 1


def with_plain_core(job: Job) -> Job:
    """Restore a core that was compressed since it was analysed first."""
    from coresnap.collect.stored_core import open_stored, write_pieces

    if job.plain is None:
        return job
    try:
        with job.core.open("rb") as stream:
            write_pieces(open_stored(stream.fileno()), job.plain, lambda done: None)
    except OSError as error:
        raise storage_error(f"cannot restore {job.core}", error) from error
    return attrs.evolve(job, core=Path(f"/dev/fd/{job.plain}"))


def _analyze(job: Job, members: dict[str, bytes]) -> Snapshot:
    from coresnap.analysis.debuginfo.debug_cache import DebugCache
    from coresnap.analysis.session import SearchPlaces, analyze_core, analyze_record

    if job.is_record:
        return analyze_record(members)
    with _kept_files(job.assets) as kept:
        places = SearchPlaces(
            sysroot=job.sysroot,
            debug_directories=job.debug_directories,
            symbol_directories=job.symbol_directories,
            fetcher=_fetcher(job),
            cache=None if job.cache is None else DebugCache(job.cache),
            kept=kept,
        )
        return analyze_core(
            job.core,
            places,
            assets=members,
            rulesets=job.rulesets,
            variables=(*job.additions.allowed, *job.additions.variables),
        )


def _fetcher(job: Job) -> Fetcher | None:
    if job.debuginfod is None or job.fetcher is None:
        return None
    from coresnap.daemon.fetch_broker import BrokeredFetcher

    return BrokeredFetcher(job.debuginfod.cache, job.fetcher)


@contextlib.contextmanager
def _kept_files(assets: Path | None) -> Iterator[tuple[KeptFile, ...]]:
    from coresnap.analysis.session import KeptFile
    from coresnap.collect.kept_modules import kept_modules

    with contextlib.ExitStack() as held:
        found: tuple[KeptFile, ...] = ()
        # That it cannot be read, and why, is said by who reads its other members.
        with contextlib.suppress(OSError):
            if assets is not None:
                tar = held.enter_context(assets.open("rb"))
                modules = held.enter_context(kept_modules(tar.fileno()))
                found = tuple(
                    KeptFile(Path(m.place), f"assets:{m.member}", m.path)
                    for m in modules
                )
        yield found


def _add(
    snapshot: Snapshot, additions: Additions, members: dict[str, bytes]
) -> Snapshot:
    from coresnap.analysis.given_attributes import Given, from_environment, with_given
    from coresnap.backends import crash_record
    from coresnap.errors import InputError
    from coresnap.model import Note

    crash = None
    with contextlib.suppress(InputError):
        crash = crash_record.decode(members.get(crash_record.NAME, b""))
    # Where nobody kept it at the crash, the core may have said it.
    environment = members.get("process/environ") or snapshot.assets.get(
        "process/environ", b""
    )
    sources = list(from_environment(environment, additions.variables))
    if additions.command is not None:
        # The administrator's word counts before the process's.
        label = f"defaults.command {additions.command}"
        sources.insert(0, Given("command", label, additions.output))
        if additions.problem:
            note = Note("attributes", f"{label} {additions.problem}")
            snapshot = msgspec.structs.replace(snapshot, notes=(*snapshot.notes, note))
    return with_given(snapshot, sources, choose_project(additions, crash))


def _read_assets(path: Path | None) -> tuple[dict[str, bytes], tuple[str, ...]]:
    from coresnap.collect.assets import read_assets
    from coresnap.errors import InputError

    if path is None:
        return {}, ()
    try:
        with path.open("rb") as stream:
            assets = read_assets(stream.fileno())
    except (InputError, OSError) as error:
        return {}, (str(error),)
    return assets.members, assets.problems


def preload() -> None:
    """Import what workers may need, once, while the files are sure to be readable.

    Analysis imports much of itself when a core needs it. A worker, confined and another
    user, may be unable to, and after an upgrade would mix two versions.
    """
    import lzma  # noqa: F401
    import tempfile  # noqa: F401

    for root in _READERS:
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, f"{root}."):
            importlib.import_module(module.name)
    for name in _KEEPERS:
        importlib.import_module(name)
    from coresnap.analysis.classify.contracts import load_contracts
    from coresnap.analysis.fingerprint import load_policies
    from coresnap.analysis.instruction.library import load_library

    load_contracts()
    load_policies()
    load_library()
