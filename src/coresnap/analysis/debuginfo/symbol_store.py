"""Putting files into a symbol directory, in the layout that distributions use."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from coresnap.analysis.debuginfo.symbol_directory import Kind, build_id_path
from coresnap.elfcore.elffile import SHT_NOBITS, ElfFile, open_elf
from coresnap.errors import AccessError, InputError, NoSpaceError, StorageError

__all__ = ["add_file", "kinds_of"]

_SHF_EXECINSTR = 4
_DEBUG_SECTIONS = (".debug_info", ".zdebug_info")


def add_file(directory: Path, file: Path) -> list[Path]:
    """Copy an executable, library or debug file below ``directory``; return where to.

    A file of the same build-id is replaced. Raises as ``open_elf``, ``InputError`` for
    a file without a build-id, ``AccessError`` or ``StorageError`` if it cannot be
    written.
    """
    elf = open_elf(file)
    build_id = elf.build_id
    if build_id is None:
        raise InputError(
            f"{file} has no build-id",
            remedy="Link it with -Wl,--build-id: nothing can be found without one.",
        )
    first, *others = (
        directory / build_id_path(build_id, kind) for kind in kinds_of(elf)
    )
    elf.release()
    try:
        _copy(file, first)
        for other in others:
            _link(first, other)
    except PermissionError as error:
        raise AccessError(f"cannot write {first}: {error.strerror}") from error
    except OSError as error:
        failure = NoSpaceError if error.errno == errno.ENOSPC else StorageError
        raise failure(f"cannot write {first}: {error.strerror}") from error
    return [first, *others]


def kinds_of(elf: ElfFile) -> tuple[Kind, ...]:
    """What a file can be used as; one that was not stripped is both."""
    # strip --only-keep-debug leaves the headers of the code, and none of its bytes.
    code = [s for s in elf.sections if s.flags & _SHF_EXECINSTR]
    if code and all(section.type == SHT_NOBITS for section in code):
        return ("debuginfo",)
    if any(elf.section(name) for name in _DEBUG_SECTIONS):
        # A file that dwz made for others has no code.
        return ("executable", "debuginfo") if code else ("debuginfo",)
    return ("executable",)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".coresnap-", dir=target.parent)
    try:
        with open(descriptor, "wb") as stream, source.open("rb") as original:
            shutil.copyfileobj(original, stream, 1 << 20)
            os.fchmod(stream.fileno(), 0o644)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)
