"""The file that several debug files share: ``.gnu_debugaltlink``, as dwz(1) makes it.

libdw would take any file of the recorded name. Here only one with the recorded build-id
is taken; if there is none, libdw gets an empty one, so that what stands in the shared
file is missing rather than wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.dwarf import DebugFile, open_debug_file
from coresnap.analysis.debuginfo.libdw_file import open_descriptor
from coresnap.analysis.debuginfo.search_log import NOT_THERE, USED, SearchLog
from coresnap.elfcore.elffile import open_elf
from coresnap.elfcore.elfheader import parse_header
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["attach_alternate"]

_HEADER = b"\x7fELF\2\1\1".ljust(64, b"\0")
"""Of an ELF file of 64 bits, little-endian, for no machine."""
_WHAT = "alternate"
Candidates = Callable[[str | None], Iterator[tuple[str, Path]]]


def attach_alternate(
    file: DebugFile,
    link: tuple[str, str] | None,
    candidates: Candidates,
    sysroot: Path | None,
    log: SearchLog,
    cache: DebugCache | None,
) -> str | None:
    """Let ``file`` read the file that it shares; the build-id if that is not there.

    ``link`` is its ``ElfFile.alternate_link``. ``candidates`` says where a build-id may
    be found; the recorded name comes next, absolute ones below ``sysroot``. None also
    if the file shares nothing.
    """
    if link is None:
        return None
    name, build_id = link
    for path in _paths(file.path, name, build_id, candidates, sysroot):
        alternate = _open(path, build_id, log, cache)
        if alternate is not None:
            file.use_alternate(alternate)
            return None
    file.use_alternate(_empty_file())
    return build_id


def _paths(
    file: Path,
    name: str,
    build_id: str,
    candidates: Candidates,
    sysroot: Path | None,
) -> Iterator[Path]:
    for _, path in candidates(build_id):
        yield path
    if "\0" in name:
        return
    if name.startswith("/"):
        yield Path(name) if sysroot is None else sysroot / name.lstrip("/")
    else:
        # Relative to where the debug file really is: .build-id holds links to it.
        yield file.resolve().parent / name


def _open(
    path: Path, build_id: str, log: SearchLog, cache: DebugCache | None
) -> DebugFile | None:
    try:
        elf = open_elf(path)
        if elf.build_id != build_id:
            found = elf.build_id or "none"
            log.add(_WHAT, path, f"has build-id {found}, {build_id} is wanted")
            return None
        alternate = open_debug_file(path, cache)
    except MissingError:
        log.add(_WHAT, path, NOT_THERE)
    except AccessError as error:
        log.add(_WHAT, path, f"cannot be read: {error}")
    except InputError as error:
        log.add(_WHAT, path, str(error).removeprefix(f"{path}: "))
    else:
        log.add(_WHAT, path, USED)
        return alternate
    return None


def _empty_file() -> DebugFile:
    """A file in which nothing is found."""
    from coresnap.elfcore.elfwriter import anonymous_file, write_sections

    like = parse_header(_HEADER, "header")
    with anonymous_file("no-alternate") as (descriptor, path):
        write_sections(descriptor, like, {".debug_line": b"\0"})
        return DebugFile(Path(path), open_descriptor(path))
