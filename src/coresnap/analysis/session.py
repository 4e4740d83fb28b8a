"""The library's entry to analysis: opens a core and has the steps run over it."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.debuginfo.debug_cache import DEFAULT_LIMIT, DebugCache
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.globals_choice import choose_globals
from coresnap.analysis.search_places import SearchPlaces
from coresnap.analysis.source_paths import SourcePaths
from coresnap.config.environment import ALLOWED_VARIABLES
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.modulefile import KeptFile
from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Note, Snapshot

if TYPE_CHECKING:
    from coresnap.analysis.fetching import Fetcher
    from coresnap.analysis.kernel.evidence import Evidence
    from coresnap.config.rulesets import Ruleset

__all__ = [
    "KeptFile",
    "SearchPlaces",
    "analyze",
    "analyze_core",
    "analyze_record",
    "read_kernel",
]

_ELF = b"\x7fELF"
_OSABI = 7
_STANDALONE = b"\xff"
_VMCOREINFO = b"VMCOREINFO\0"
"""Owner of a note that Linux's kernel puts first in a dump of itself."""
_HEAD = 64 << 10
"""Bytes by which a dump of a kernel is told from a core of a process."""


def analyze(
    path: str | os.PathLike[str],
    executable: str | os.PathLike[str] | None = None,
    *,
    sysroot: str | os.PathLike[str] | None = None,
    debug_directories: Sequence[str | os.PathLike[str]] = (),
    source_directories: Sequence[str | os.PathLike[str]] = (),
    source_substitutions: Sequence[tuple[str, str]] = (),
    assets: Mapping[str, bytes] | None = None,
    kept: Sequence[KeptFile] = (),
    symbol_directories: Sequence[str | os.PathLike[str]] = (),
    fetcher: Fetcher | None = None,
    globals: str = "crashed",
    aliases: int = 3,
    alias_memory: int = 256 << 20,
    rulesets: Sequence[Ruleset] = (),
    cache: str | os.PathLike[str] | None = None,
    cache_size: int = DEFAULT_LIMIT,
    variables: Sequence[str] = ALLOWED_VARIABLES,
    progress: Callable[[str], None] | None = None,
) -> Snapshot:
    """Analyse the core at ``path`` into a snapshot.

    ``executable`` is used instead of the path recorded in the core; ``sysroot`` is
    put before every recorded path; ``debug_directories`` are searched for separate
    debug files before the system's. Sources are looked for below
    ``source_directories``, and by ``source_substitutions``: what the first of a pair is
    the beginning of, begins with the second instead. ``assets`` is what the capture
    kept beside the core, by member name, and ``kept`` the copies of the process's
    executable and libraries among it. ``symbol_directories`` are searched by build-id
    for executables, libraries and debug files that are found nowhere else; what is in
    none of them ``fetcher`` fetches, for modules that frames stand in. ``globals`` says
    which variables without a function are read: those of the ``crashed`` module, of
    ``all``, ``none``, or those with these names, with commas between them. Other
    pointers to the memory of the fault are followed ``aliases`` levels back, 0 for not
    at all, and ``alias_memory`` bytes are searched for each level. ``rulesets`` are
    rules of one's own for the fingerprint
    (``coresnap.config.rulesets.load_rulesets``). ``cache`` is
    a directory that keeps at most ``cache_size`` bytes of debug information that had to
    be decompressed. ``variables`` of the process's environment, whose names may end in
    ``*``, travel in the snapshot where the core says what they were, as FreeBSD's do.
    ``progress`` is told the name of each step as it begins.

    A compressed core is restored first, into a file in the directory for temporary
    files: one in the form of the archive, one as FreeBSD's kernel compresses it, or one
    packed with zstd, gzip, xz, bzip2 or lz4.

    A step that fails leaves a note and the rest goes on. Raises ``MissingError``,
    ``AccessError`` or ``CoreFormatError`` if the core cannot be opened at all,
    ``InputError`` or ``NoSpaceError`` if it cannot be restored, ``UsageError`` for
    ``globals`` without a name.
    """
    places = SearchPlaces(
        executable=None if executable is None else Path(executable),
        sysroot=None if sysroot is None else Path(sysroot),
        debug_directories=tuple(map(Path, debug_directories)),
        symbol_directories=tuple(map(Path, symbol_directories)),
        sources=SourcePaths(
            tuple(map(Path, source_directories)), tuple(source_substitutions)
        ),
        kept=tuple(kept),
        fetcher=fetcher,
        cache=None if cache is None else DebugCache(Path(cache), cache_size),
    )
    return analyze_core(
        path,
        places,
        assets=assets,
        globals=globals,
        alias_limits=AliasLimits(aliases, alias_memory),
        rulesets=rulesets,
        variables=variables,
        progress=progress,
    )


def analyze_core(
    path: str | os.PathLike[str],
    places: SearchPlaces,
    *,
    assets: Mapping[str, bytes] | None = None,
    globals: str = "crashed",
    alias_limits: AliasLimits | None = None,
    rulesets: Sequence[Ruleset] = (),
    variables: Sequence[str] = ALLOWED_VARIABLES,
    progress: Callable[[str], None] | None = None,
) -> Snapshot:
    """As ``analyze``, for who has the places together already."""
    wanted = choose_globals(globals)
    problems: list[str] = []
    with contextlib.ExitStack() as held:
        plain = held.enter_context(_plain(path, problems.append))
        if _may_be_a_kernel(plain):
            # Not before: most cores are of processes.
            from coresnap.analysis.kernel.analyze import analyze_kernel

            return analyze_kernel(
                plain, os.fsdecode(path), places, problems, rulesets, progress
            )
        files = held.enter_context(places.debug_files())
        core = held.enter_context(
            _opened(plain, os.fsdecode(path), places, files, progress)
        )
        files.open_ahead(_likely_modules(core))
        # Imported only now: libdw opens the files while Python loads the rest.
        from coresnap.analysis.analyze import run_steps

        snapshot = run_steps(
            core,
            files,
            sysroot=places.sysroot,
            source_paths=places.sources,
            assets=assets,
            wanted_globals=wanted,
            rulesets=rulesets,
            alias_limits=alias_limits,
            variables=variables,
            progress=progress,
        )
    told = tuple(Note("core", problem) for problem in problems)
    return msgspec.structs.replace(snapshot, notes=(*told, *snapshot.notes))


def read_kernel(path: str | os.PathLike[str], places: SearchPlaces) -> Evidence:
    """Read a dump of a kernel, compressed or not, without judging it.

    ``places.executable`` is the kernel's file. Raises ``CoreFormatError`` if it is no
    such dump, and as ``analyze`` does.
    """
    from coresnap.analysis.kernel.analyze import evidence_of_kernel

    problems: list[str] = []
    with _plain(path, problems.append) as plain:
        return evidence_of_kernel(plain, os.fsdecode(path), places, problems)


def analyze_record(assets: Mapping[str, bytes]) -> Snapshot:
    """Make a snapshot of a crash without a core, from what was kept of its process.

    ``assets`` is by member name. What is missing is missing in the snapshot, whose
    notes say why there is no core.
    """
    from coresnap.analysis.record import snapshot_of_record

    return snapshot_of_record(assets)


def _opened(
    path: str | os.PathLike[str],
    name: str,
    places: SearchPlaces,
    files: DebugFiles,
    progress: Callable[[str], None] | None,
) -> CoreFile:
    open_again = functools.partial(
        open_core,
        path,
        sysroot=places.sysroot,
        executable=places.executable,
        kept=places.kept,
        stored=files.stored,
        name=name,
    )
    if places.fetcher is None:
        return open_again()
    if progress is not None:
        progress("fetching")
    # Not before: most cores are read with what is here.
    from coresnap.analysis.fetching import open_with_fetched

    return open_with_fetched(open_again, files, places.fetcher)


@contextlib.contextmanager
def _plain(
    path: str | os.PathLike[str], tell: Callable[[str], object]
) -> Iterator[str | os.PathLike[str]]:
    """Restore a core that is compressed; yield the path of a plain one."""
    if _is_plain(path):
        yield path
        return
    # Not before: a plain core needs none of it.
    from coresnap.collect.plain_core import restored

    with restored(path, tell) as plain:
        yield plain


def _is_plain(path: str | os.PathLike[str]) -> bool:
    # What cannot be read is refused, with the reason, where it is opened.
    head = _head(path)
    return not head or head[: len(_ELF)] == _ELF or _is_of_a_kernel(head)


def _head(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a regular file; none of what cannot be read."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb") as stream:
                return stream.read(_HEAD)
    return b""


def _may_be_a_kernel(path: str | os.PathLike[str]) -> bool:
    head = _head(path)
    if head[: len(_ELF)] == _ELF and head[_OSABI : _OSABI + 1] != _STANDALONE:
        return _VMCOREINFO in head
    return bool(head) and _is_of_a_kernel(head)


def _is_of_a_kernel(head: bytes) -> bool:
    from coresnap.analysis.kernel.recognition import is_of_a_kernel

    return is_of_a_kernel(head)


def _likely_modules(core: CoreFile) -> Iterator[LoadedModule]:
    """Modules that stacks run through: they begin in libc and end at a thread's pc."""
    number = core.architecture.program_counter
    pcs = {thread.registers.get(number, 0) for thread in core.threads}
    for module in core.modules:
        is_libc = os.path.basename(module.path).startswith("libc.")
        is_running = any(module.start <= pc < module.end for pc in pcs)
        if module is core.executable or is_libc or is_running:
            yield module
