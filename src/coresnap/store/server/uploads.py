"""Uploads in pieces. Each piece is an object, so that any server can take the next.

An upload has the digest of its bytes as its id. Its objects are
``<project>/uploads/<id>/size.<bytes>`` and ``…/<offset, 15 digits>``; a piece is there
or it is not, and what is there from the start without a gap is what was sent.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from typing import BinaryIO

import attrs

from coresnap.errors import ConflictError, InputError, MissingError, QuotaError
from coresnap.store.api.uploads import NewUpload, Upload
from coresnap.store.objects.contract import Objects, Stored
from coresnap.store.project import Project
from coresnap.store.server.call import Staged
from coresnap.store.server.server import Server
from coresnap.store.server.staging import StagingFile

__all__ = ["Uploads", "uploads_of"]

_PIECES_MAX = 10_000
_COPIED = 1 << 20


@attrs.frozen
class _State:
    """What is there of an upload."""

    size: int
    pieces: tuple[Stored, ...]
    """In their order, from the start without a gap."""
    modified: int

    @property
    def offset(self) -> int:
        return sum(piece.size for piece in self.pieces)


@attrs.frozen
class Uploads:
    """The unfinished uploads in a store's objects."""

    objects: Objects
    age: int
    """Seconds after which one that rests is forgotten."""
    quota: int
    """Bytes that those of one project may take."""

    def begin(self, project: Project, wanted: NewUpload, limit: int) -> Upload:
        """Begin an upload, or find it.

        Raises InputError if it is larger than ``limit``, QuotaError if there is no
        room, ConflictError if it was begun with another size.
        """
        if wanted.size > limit:
            raise InputError(f"{wanted.size} bytes are more than the {limit} allowed")
        try:
            return self._upload(wanted.digest, self._existing(project, wanted.digest))
        except MissingError:
            self._check_quota(project, wanted.size)
        key = f"{self._prefix(project, wanted.digest)}size.{wanted.size}"
        self.objects.put(key, io.BytesIO(), 0)
        return self.find(project, wanted.digest)

    def find(self, project: Project, id: str) -> Upload:
        """Return how far an upload is; raise MissingError if there is none."""
        return self._upload(id, self._existing(project, id))

    def add(self, project: Project, id: str, offset: int, piece: Staged) -> Upload:
        """Keep a piece durably; one that is there already changes nothing.

        Raises ConflictError unless it begins where the last one ended.
        """
        state = self._existing(project, id)
        known = state.offset
        if offset != known or offset + piece.size > state.size or piece.size == 0:
            raise ConflictError(
                f"the upload has {known} of {state.size} bytes; a piece of "
                f"{piece.size} bytes at {offset} does not go on there",
                remedy="Ask how far it is, and go on from there.",
            )
        if len(state.pieces) >= _PIECES_MAX:
            raise InputError(f"an upload has at most {_PIECES_MAX} pieces")
        key = f"{self._prefix(project, id)}{offset:015d}"
        self.objects.put(key, piece.file, piece.size)
        return self.find(project, id)

    def assemble(self, project: Project, id: str, file: StagingFile) -> Staged:
        """Copy all pieces into ``file`` and return them together.

        Raises ConflictError if there are not all, InputError if their digest is not the
        upload's: then nothing is left of it.
        """
        state = self._existing(project, id)
        if state.offset != state.size:
            raise ConflictError(
                f"the upload has {state.offset} of {state.size} bytes",
                remedy="Send the rest first.",
            )
        for piece in state.pieces:
            with self.objects.open(piece.key) as stream:
                _copy(stream, file)
        staged = file.staged()
        if staged.digest != id:
            self.remove(project, id)
            raise InputError(
                "the bytes that were sent have another digest",
                remedy="Begin the upload again: they changed on their way.",
            )
        return staged

    def remove(self, project: Project, id: str) -> None:
        """Forget an upload; one that is not there is none the less gone."""
        # The size goes first: without it nothing of it is there any more.
        keys = [stored.key for stored in self.objects.list(self._prefix(project, id))]
        for key in sorted(keys, reverse=True):
            self.objects.remove(key)

    def sweep(self, project: Project) -> int:
        """Forget all that have rested too long; return how many those were."""
        newest: dict[str, int] = {}
        for stored in self.objects.list(f"{project.id}/uploads/"):
            id = stored.key.split("/")[2]
            newest[id] = max(newest.get(id, 0), stored.modified)
        old = [id for id, last in newest.items() if last + self.age < time.time()]
        for id in old:
            self.remove(project, id)
        return len(old)

    def _check_quota(self, project: Project, size: int) -> None:
        taken = sum(self._declared(project))
        if taken + size > self.quota:
            raise QuotaError(
                f"unfinished uploads of {project} take {taken} of {self.quota} bytes",
                remedy="Finish them, or wait until they are forgotten.",
            )

    def _declared(self, project: Project) -> Iterator[int]:
        for stored in self.objects.list(f"{project.id}/uploads/"):
            name = stored.key.rpartition("/")[2]
            if name.startswith("size."):
                yield int(name.removeprefix("size."))

    def _existing(self, project: Project, id: str) -> _State:
        if not re.fullmatch("[0-9a-f]{64}", id):
            raise MissingError(f"there is no upload {id[:70]!r}")
        size, modified, pieces = None, 0, {}
        for stored in self.objects.list(self._prefix(project, id)):
            name = stored.key.rpartition("/")[2]
            modified = max(modified, stored.modified)
            if name.startswith("size."):
                size = int(name.removeprefix("size."))
            else:
                pieces[int(name)] = stored
        if size is None or modified + self.age < time.time():
            raise MissingError(
                f"there is no upload {id}", remedy="Begin it: it is done, or too old."
            )
        return _State(size, tuple(_without_gaps(pieces)), modified)

    def _upload(self, id: str, state: _State) -> Upload:
        expires = state.modified + self.age
        return Upload(id=id, size=state.size, offset=state.offset, expires=expires)

    def _prefix(self, project: Project, id: str) -> str:
        return f"{project.id}/uploads/{id}/"


def uploads_of(server: Server) -> Uploads:
    """Return the uploads of a server, with the limits that hold now."""
    config = server.config
    return Uploads(server.store.objects, config.upload_age, config.upload_quota)


def _without_gaps(pieces: dict[int, Stored]) -> Iterator[Stored]:
    offset = 0
    while (piece := pieces.get(offset)) is not None and piece.size > 0:
        yield piece
        offset += piece.size


def _copy(stream: BinaryIO, file: StagingFile) -> None:
    while data := stream.read(_COPIED):
        file.add(data)
        file.flush()
