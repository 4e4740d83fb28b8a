"""Which field of a Snapshot stands in which section.

Every section but the memory's data is one MessagePack map, field name to value; the
nouns of ``model`` inside it are maps too. Readers skip fields that they do not know
and take the default for fields that are not there, so that a field may be added in
any version (``docs/formats.md``).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from coresnap.errors import SnapshotFormatError
from coresnap.model import (
    Alias,
    Allocator,
    Annotation,
    Block,
    Classifier,
    Dropped,
    Instruction,
    Mapping,
    Module,
    Note,
    QualityPart,
    Signal,
    Snapshot,
    Thread,
    Variable,
)
from coresnap.snapshot.escape import without_surrogates

__all__ = [
    "SECTION_TYPES",
    "Assets",
    "Findings",
    "Globals",
    "Modules",
    "Summary",
    "Threads",
    "decode",
    "encode",
    "part",
]

T = TypeVar("T")


class Summary(msgspec.Struct, frozen=True):
    """All but the bulk, for lists and stores. Fields as in Snapshot."""

    system: str
    architecture: str
    pid: int | None = None
    command: str | None = None
    arguments: str | None = None
    signal: Signal | None = None
    classifiers: tuple[Classifier, ...] = ()
    fingerprint: str = ""
    fingerprint_frames: tuple[str, ...] = ()
    quality: int = 0
    quality_reason: str = ""
    attributes: dict[str, int | float | str] = msgspec.field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    truncated: bool = False
    core_size: int | None = None
    summary: str = ""
    annotations: tuple[Annotation, ...] = ()
    callstack: tuple[str, ...] = ()
    quality_parts: tuple[QualityPart, ...] = ()


class Threads(msgspec.Struct, frozen=True):
    """All threads with frames and variables."""

    threads: tuple[Thread, ...] = ()


class Modules(msgspec.Struct, frozen=True):
    """The address space: modules and mappings."""

    modules: tuple[Module, ...] = ()
    mappings: tuple[Mapping, ...] = ()


class Globals(msgspec.Struct, frozen=True):
    """Variables that belong to no frame."""

    globals: tuple[Variable, ...] = ()


class Findings(msgspec.Struct, frozen=True):
    """What the conclusions rest on."""

    instruction: Instruction | None = None
    heaps: tuple[Allocator, ...] = ()
    blocks: tuple[Block, ...] = ()
    aliases: tuple[Alias, ...] = ()


class Assets(msgspec.Struct, frozen=True):
    """Files that were kept beside the core."""

    assets: dict[str, bytes] = msgspec.field(default_factory=dict)


SECTION_TYPES: dict[str, type[msgspec.Struct]] = {
    "summary": Summary,
    "threads": Threads,
    "modules": Modules,
    "globals": Globals,
    "findings": Findings,
    "assets": Assets,
}
"""Section name to the class that holds its fields; ``memory`` is apart."""


def part(snapshot: Snapshot, section: str) -> Any:  # noqa: ANN401 - one of five classes
    """Return the fields of ``snapshot`` that stand in ``section``."""
    kind = SECTION_TYPES[section]
    names = (field.name for field in msgspec.structs.fields(kind))
    return kind(**{name: getattr(snapshot, name) for name in names})


def encode(value: object) -> bytes:
    """Return ``value`` as MessagePack.

    Text that is no Unicode (a file name with stray bytes, held as surrogates) is
    written with ``\\xNN`` in their place. Raises SnapshotFormatError for a number
    beyond 64 bits.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(without_surrogates(value))


def _encode(value: object) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError as error:
        raise SnapshotFormatError(
            f"the snapshot cannot be written: {error}",
            remedy="Please report this, with the core's attributes, as a bug.",
        ) from error


def decode(data: bytes, kind: type[T], section: str) -> T:
    """Return the ``kind`` that MessagePack ``data`` of ``section`` holds.

    Raises SnapshotFormatError if it does not hold one.
    """
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SnapshotFormatError(
            f"section {section!r} of the snapshot is damaged: {error}"
        ) from error
