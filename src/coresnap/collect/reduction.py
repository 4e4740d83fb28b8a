"""Assets that are old shrink to what the kernel said of the crash and of its capture.

That is a few kilobytes, and without it nothing would know which program a snapshot is
of, or tell its crashes apart.
"""

from __future__ import annotations

import os

from coresnap.collect.assets import pack_assets, read_assets
from coresnap.collect.parts import Part, own
from coresnap.collect.spool import Spool, storage_error
from coresnap.errors import InputError, MissingError

__all__ = ["reduce_assets"]

KEPT = ("crash.json", "process/exe", "capture.json")


def reduce_assets(spool: Spool, archive_id: str) -> bool:
    """Replace the assets of an archive; False if somebody reads or writes them.

    Assets that are damaged lose what cannot be read. Raises StorageError.
    """
    try:
        fd = spool.open(Part.ASSETS, archive_id)
    except MissingError:
        return True
    try:
        if not own(fd):
            return False
        when = int(os.fstat(fd).st_mtime)
        try:
            members = read_assets(fd).members
        except InputError:
            members = {}
        kept = {name: members[name] for name in KEPT if name in members}
        _replace(spool, archive_id, pack_assets(kept, when))
        return True
    finally:
        os.close(fd)


def _replace(spool: Spool, archive_id: str, data: bytes) -> None:
    with spool.create(Part.ASSETS) as file:
        try:
            with open(file.fd, "wb", closefd=False) as stream:
                stream.write(data)
        except OSError as error:
            where = spool.path(Part.ASSETS, archive_id)
            raise storage_error(f"cannot write {where}", error) from error
        spool.commit(Part.ASSETS, file, archive_id, replace=True)
