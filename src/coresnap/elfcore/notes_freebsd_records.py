"""The records of a note whose structures say their own size.

``sys/kern/kern_descrip.c`` and ``sys/kern/kern_proc.c``: with
``kern.coredump_pack_fileinfo`` and ``_vmmapinfo`` the unused end of each structure's
path is left out, to a multiple of eight bytes, and its size says so. Without, every
record has the full size. The kernel may fill the end of the note with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["SIZE_FIELD", "records"]

SIZE_FIELD = 4
"""Bytes of the int that NT_PROCSTAT_* notes begin with: the structure's full size."""


def records(
    data: memoryview, least: int, limit: int, problems: list[str], what: str
) -> Iterator[memoryview]:
    """Yield the records of one note, from its leading int on.

    ``least`` is where the path of a record begins, ``limit`` how many are read.
    What is wrong is added to ``problems``; ``what`` names the note there.
    """
    position, count = SIZE_FIELD, 0
    while position + SIZE_FIELD <= len(data):
        size = int.from_bytes(data[position : position + SIZE_FIELD], "little")
        if size == 0:
            return
        if size < least or size > len(data) - position:
            problems.append(f"the note of {what} is cut or damaged after {count}")
            return
        if count == limit:
            problems.append(f"only {limit} {what} are read")
            return
        yield data[position : position + size]
        position += size
        count += 1
