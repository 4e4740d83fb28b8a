"""A wheel as files by name, read and written so that equal files are equal bytes."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["directory_of_metadata", "read_wheel", "write_wheel"]

_EARLIEST = 315532800
"""1980-01-01: zip knows no earlier time."""
_EXECUTABLE, _PLAIN = 0o100755, 0o100644


def read_wheel(path: Path) -> dict[str, tuple[bool, bytes]]:
    """Return each file's name with whether it is executable, and its bytes."""
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: (bool(info.external_attr >> 16 & 0o111), archive.read(info))
            for info in archive.infolist()
            if not info.is_dir()
        }


def directory_of_metadata(files: Mapping[str, object]) -> str:
    """Return the name of the directory ``*.dist-info``."""
    (name,) = {n.partition("/")[0] for n in files if ".dist-info/" in n}
    return name


def write_wheel(
    path: Path, files: Mapping[str, tuple[bool, bytes]], epoch: int
) -> None:
    """Write ``files`` with a new RECORD; all of them are of the time ``epoch``.

    Names are sorted and metadata comes last, as the format recommends. Modes are 755
    and 644. The bytes still depend on zlib's release, which compresses them.
    """
    metadata = directory_of_metadata(files)
    record = f"{metadata}/RECORD"
    contents = {name: file for name, file in files.items() if name != record}
    contents[record] = (False, _record(contents, record))
    moment = time.gmtime(max(epoch, _EARLIEST))[:6]
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(contents, key=lambda n: (n.startswith(metadata), n)):
            is_executable, data = contents[name]
            info = zipfile.ZipInfo(name, moment)
            info.create_system = 3  # Unix, whose modes follow
            info.external_attr = (_EXECUTABLE if is_executable else _PLAIN) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data, compresslevel=9)


def _record(contents: Mapping[str, tuple[bool, bytes]], own: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, (_, data) in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        writer.writerow([name, f"sha256={digest.decode().rstrip('=')}", len(data)])
    writer.writerow([own, "", ""])
    return text.getvalue().encode()
