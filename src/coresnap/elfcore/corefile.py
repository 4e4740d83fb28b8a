"""Opens a core: one object with everything that its bytes say, unjudged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from coresnap.elfcore import notes_linux
from coresnap.elfcore.corelayout import CoreLayout, read_layout
from coresnap.elfcore.corenotes import CoreNotes, read_notes
from coresnap.elfcore.elffile import map_file
from coresnap.elfcore.elfheader import ET_CORE, ET_DYN, ET_EXEC, ElfHeader
from coresnap.elfcore.facts import (
    CoreFacts,
    CoreThread,
    MappedFile,
    ProcessInfo,
    SignalInfo,
)
from coresnap.elfcore.mappings import join_mappings
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modulefile import (
    FileFinder,
    KeptFile,
    StoredFiles,
    index_kept,
)
from coresnap.elfcore.modules import (
    AT_ENTRY,
    LoadedModule,
    code_ranges,
    find_modules,
    remnants,
)
from coresnap.elfcore.notewalk import RawNote
from coresnap.elfcore.registers import Architecture
from coresnap.errors import AccessError, CoreFormatError, InputError, MissingError
from coresnap.model import Mapping, Note

__all__ = [
    "CoreFile",
    "CoreThread",
    "LoadedModule",
    "MappedFile",
    "ProcessInfo",
    "SignalInfo",
    "open_core",
]

_ELFOSABI_FREEBSD = 9
_FREEBSD_OWNER = b"FreeBSD"
_PACKED = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x04\x22\x4d\x18": "lz4",
}


class CoreFile(msgspec.Struct, frozen=True, eq=False):
    """An open core. Close it, or use it as a context manager."""

    path: Path
    size: int
    """Apparent bytes of the file."""
    system: str
    """``Linux`` or ``FreeBSD``: who wrote it."""
    architecture: Architecture
    header: ElfHeader
    notes: tuple[RawNote, ...]
    """Not interpreted; offsets count from the start of the file."""
    facts: CoreFacts
    mappings: tuple[Mapping, ...]
    memory: Memory
    modules: tuple[LoadedModule, ...]
    """By start address; the vdso is one of them."""
    missing_bytes: int
    """How far the file ends before what its program headers promise."""
    notes_to_reader: tuple[Note, ...]
    """What is wrong with the file, in words."""

    @property
    def threads(self) -> tuple[CoreThread, ...]:
        """The thread that crashed first."""
        return self.facts.threads

    @property
    def process(self) -> ProcessInfo:
        """What the core says about the process."""
        return self.facts.process

    @property
    def signal(self) -> SignalInfo | None:
        """None for a core of a process that did not crash."""
        return self.facts.signal

    @property
    def auxv(self) -> dict[int, int]:
        """The auxiliary vector: AT_* to value."""
        return dict(self.facts.auxv)

    @property
    def mapped_files(self) -> tuple[MappedFile, ...]:
        """By start address."""
        return self.facts.mapped_files

    @property
    def truncated(self) -> bool:
        """The file ends before its program headers say it does."""
        return self.missing_bytes > 0

    @property
    def executable(self) -> LoadedModule | None:
        """The module that holds the program's entry point."""
        entry = self.facts.auxv.get(AT_ENTRY)
        for module in self.modules:
            if entry is not None and module.start <= entry < module.end:
                return module
        return None

    @property
    def executable_path(self) -> str | None:
        """Path of the executable as it was mapped; process-chosen."""
        module = self.executable
        return module.path if module is not None else None

    def close(self) -> None:
        """Drop the mappings of the core and of the module files. May be repeated."""
        self.memory.release()
        for module in self.modules:
            for elf in (module.elf, module.image):
                if elf is not None:
                    elf.release()

    def __enter__(self) -> CoreFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_core(
    path: str | os.PathLike[str],
    *,
    sysroot: Path | None = None,
    executable: Path | None = None,
    kept: Sequence[KeptFile] = (),
    stored: StoredFiles | None = None,
    name: str | None = None,
) -> CoreFile:
    """Open the core at ``path``, which errors call ``name``, if that is given.

    ``sysroot`` is put before every path that the core records; ``executable`` is used
    for the program if its build-id fits. ``kept`` are copies of module files, which
    are preferred to what lies at the recorded paths; ``stored`` says where to look for
    a build-id if neither is there. A damaged core is opened as far as
    it can be read, and ``notes_to_reader`` says what is wrong. Raises ``MissingError``,
    ``AccessError``, or ``CoreFormatError`` if nothing at all can be done.
    """
    name = name or os.fsdecode(path)
    data, layout = _open(path, name)
    found = read_notes(data, layout)
    _require_core(layout, found, name)
    architecture, facts, problems = _facts(data, layout, found)
    mappings = join_mappings(
        layout.loads,
        facts.mapped_files,
        facts.start,
        layout.header.pointer_size,
        len(data),
        regions=facts.regions,
        kernel_starts=layout.kernel_starts,
    )
    header = layout.header
    memory = Memory(
        data, layout.loads, header.pointer_size, header.byte_order, mappings
    )
    copies = index_kept(kept)
    finder = FileFinder(
        architecture.machine, header.pointer_size, sysroot, copies, stored
    )
    modules = find_modules(memory, facts, finder, executable)
    memory.use_files(code_ranges(modules))
    memory.skip_remnants(remnants(modules))
    problems += _gaps(layout, facts, modules, executable)
    return CoreFile(
        Path(path),
        len(data),
        _system(header, found),
        architecture,
        header,
        found.notes,
        facts,
        mappings,
        memory,
        modules,
        layout.missing_bytes,
        tuple(Note("core", problem) for problem in problems),
    )


def _open(path: str | os.PathLike[str], name: str) -> tuple[memoryview, CoreLayout]:
    try:
        data = map_file(path)
    except (MissingError, AccessError):
        raise
    except InputError as error:
        raise CoreFormatError(str(error)) from error
    if not data:
        raise CoreFormatError(
            f"{name} is empty",
            remedy="FreeBSD leaves an empty file where RLIMIT_CORE is smaller than the"
            " core, every system where the disk is full: raise the limit (`ulimit -c"
            " unlimited`) or make room, and let it crash again.",
        )
    start = bytes(data[:6])
    for magic, program in _PACKED.items():
        if start.startswith(magic):
            raise CoreFormatError(
                f"{name} is compressed with {program}",
                remedy=f"Unpack it with `{program} -d` first.",
            )
    try:
        return data, read_layout(data, name)
    except InputError as error:
        raise CoreFormatError(str(error)) from error


def _require_core(layout: CoreLayout, found: CoreNotes, name: str) -> None:
    owners = notes_linux.OWNERS | {_FREEBSD_OWNER}
    if any(note.name in owners for note in found.notes):
        return
    if layout.header.type in (ET_EXEC, ET_DYN):
        raise CoreFormatError(
            f"{name} is an executable or library, not a core",
            remedy="Give the core first and the executable second.",
        )
    if layout.header.type != ET_CORE:
        raise CoreFormatError(f"{name} is an ELF file, but not a core")
    if not layout.program_headers:
        raise CoreFormatError(
            f"{name} ends before its first program header: nothing can be read"
        )


def _facts(
    data: memoryview, layout: CoreLayout, found: CoreNotes
) -> tuple[Architecture, CoreFacts, list[str]]:
    header = layout.header
    problems = [*layout.problems, *found.problems]
    if header.type != ET_CORE:
        problems.append("the ELF header does not say that this is a core; it is one")
    reader = _reader_of(_system(header, found))
    architecture, problem = reader.choose_architecture(header, found.notes)
    facts = reader.read_facts(data, found.notes, header, architecture)
    problems += [problem] if problem else []
    problems += facts.problems
    if not reader.prstatus_size(architecture):
        problems.append(f"registers of {architecture.name} are not known")
    return architecture, facts, problems


def _system(header: ElfHeader, found: CoreNotes) -> str:
    freebsd = header.osabi == _ELFOSABI_FREEBSD or any(
        note.name == _FREEBSD_OWNER for note in found.notes
    )
    return "FreeBSD" if freebsd else "Linux"


class _NoteReader(Protocol):
    """What the module of a system's notes has."""

    def choose_architecture(
        self, header: ElfHeader, notes: Iterable[RawNote]
    ) -> tuple[Architecture, str | None]: ...
    def read_facts(
        self,
        data: memoryview,
        notes: Iterable[RawNote],
        header: ElfHeader,
        architecture: Architecture,
    ) -> CoreFacts: ...
    def prstatus_size(self, architecture: Architecture) -> int: ...


def _reader_of(system: str) -> _NoteReader:
    if system == "FreeBSD":
        # Not before: it has a dozen modules of its own.
        from coresnap.elfcore import notes_freebsd

        return notes_freebsd
    return notes_linux


def _gaps(
    layout: CoreLayout,
    facts: CoreFacts,
    modules: tuple[LoadedModule, ...],
    executable: Path | None,
) -> Iterator[str]:
    if layout.missing_bytes:
        yield (
            f"the core is truncated: {layout.missing_bytes} bytes are missing"
            " that its program headers promise"
        )
    if layout.kernel_starts is not None:
        kept = sum(load.filesz for load in layout.loads)
        whole = sum(max(load.memsz, load.filesz) for load in layout.loads)
        yield f"the handler kept {kept} of {whole} bytes of memory"
    if not facts.threads:
        yield "the core holds no threads that we can read"
    if not layout.loads:
        yield "the core holds no memory"
    if executable is not None and not any(
        module.file == executable or str(executable) in (module.problem or "")
        for module in modules
    ):
        yield f"the core does not say where {executable} was loaded: not used"
