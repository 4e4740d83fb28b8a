"""Makes a support bundle: pieces, scrubbed and bounded, in one archive.

The whole is made in memory, where nobody else reads, and gets its name when it is done.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import time
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from coresnap.errors import ConflictError, CoresnapError
from coresnap.snapshot.scrubbing.rules import Expression, Rules
from coresnap.snapshot.scrubbing.scrubber import Literals, Secrets, compile_rules
from coresnap.views.support.piece import Context, Piece
from coresnap.views.support.settings import secrets_of

__all__ = ["LIMIT", "MANIFEST", "Bundle", "collect", "write_bundle"]

LIMIT = 2 << 20
"""Bytes of one piece; of a longer one the end is kept, for logs."""
MANIFEST = "manifest.json"
_FORMAT = 1


@attrs.frozen
class Part:
    """One file of the bundle, as it goes out."""

    name: str
    meaning: str
    data: bytes
    problem: str
    """Why it is not what it should be; empty if it is."""
    cut: bool
    scrubbed: Counter[str]
    """Scrubber to secrets that were taken out."""


@attrs.frozen
class Bundle:
    """What is written."""

    created: int
    """Seconds, UTC since the epoch."""
    parts: tuple[Part, ...]

    @property
    def manifest(self) -> dict[str, Any]:
        """What is in it, with sums."""
        return {
            "format": _FORMAT,
            "created": self.created,
            "version": version("coresnap"),
            "host": os.uname().nodename,
            "uid": os.geteuid(),
            "files": [
                {
                    "name": part.name,
                    "meaning": part.meaning,
                    "size": len(part.data),
                    "sha256": hashlib.sha256(part.data).hexdigest(),
                    "problem": part.problem,
                    "cut": part.cut,
                    "scrubbed": dict(part.scrubbed),
                }
                for part in self.parts
            ],
        }


def collect(context: Context, pieces: Iterable[Piece]) -> Bundle:
    """Make every piece; what one of them raises stands in its place."""
    secrets = _secrets(context)
    parts = tuple(_part(piece, context, secrets) for piece in pieces)
    return Bundle(int(time.time()), parts)


def _secrets(context: Context) -> Secrets:
    config = context.config
    # Whatever this host scrubs of snapshots, everything is scrubbed here.
    expressions = tuple(Expression(e.name, e.pattern) for e in config.scrub_expressions)
    known = {value.encode("utf-8", "surrogatepass") for value in secrets_of(context)}
    longest_first = sorted(known, key=len, reverse=True)
    scrubbers = compile_rules(Rules(expressions=expressions))
    return Secrets({"token in settings": Literals(longest_first), **scrubbers})


def _part(piece: Piece, context: Context, secrets: Secrets) -> Part:
    problem = ""
    try:
        text = piece.collect(context)
    except CoresnapError as error:
        text = problem = str(error)
    except Exception as error:  # a bundle is made of what is broken
        text = problem = f"{type(error).__name__}: {error}"
    data, count = secrets.file(text.encode("utf-8", "replace"))
    problem, _ = secrets.text(problem)
    cut = len(data) > LIMIT
    if cut:
        data = b"(the beginning is left out)\n" + data[-LIMIT:]
    return Part(piece.name, piece.meaning, data, problem, cut, count)


def write_bundle(bundle: Bundle, path: Path) -> None:
    """Write it for its owner alone. Raises ConflictError, AccessError, StorageError."""
    from coresnap.collect.spool import storage_error

    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except FileExistsError as error:
        raise ConflictError(
            f"{path} is there already", remedy="Name another file with -o."
        ) from error
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(_packed(bundle, path))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise storage_error(f"cannot write {path}", error) from error


def _packed(bundle: Bundle, path: Path) -> bytes:
    directory = path.name.partition(".")[0] or "coresnap-support"
    manifest = json.dumps(bundle.manifest, indent=1).encode() + b"\n"
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=bundle.created) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for name, data in [
            (MANIFEST, manifest),
            *((p.name, p.data) for p in bundle.parts),
        ]:
            member = tarfile.TarInfo(f"{directory}/{name}")
            member.size, member.mode, member.mtime = len(data), 0o600, bundle.created
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
