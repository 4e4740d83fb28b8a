"""Makes a dictionary for small sections. Not a test; run by hand for a new one.

    python make_dictionary.py SNAPSHOT… > dictionary-N.bin

A dictionary is content that snapshots are likely to share: field names, register and
attribute names, the start-up frames of libc, the keys of /proc files. It is frozen once
published (docs/formats.md), so this is run for a new number only. Snapshots should be
the daemon's, of small programs. What is of one machine and these programs is replaced:
paths, hashes, the low halves of addresses, and every digit of text.
"""

from __future__ import annotations

import re
import sys

import msgspec

from coresnap.model import Snapshot, Thread
from coresnap.snapshot import schema
from coresnap.snapshot.container import read_snapshot

SIZE_MAX = 32 * 1024
SHINGLE = 32
PRIVATE_ASSETS = {
    *(
        f"process/{name}"
        for name in ("cgroup", "cmdline", "cwd", "environ", "exe", "fd")
    ),
    "system/uname",
}
SYSTEM_PREFIXES = ("/usr/lib/", "/lib/", "/usr/bin/", "./", "../")


def neutral(value: object) -> object:
    """Return ``value`` without what is of one machine or one run."""
    if isinstance(value, str) and type(value) is str:
        return neutral_text(value)
    if isinstance(value, bytes):
        return neutral_bytes(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 1 << 32:
        return value & ~0xFFFF_FFFF
    if isinstance(value, tuple):
        return tuple(map(neutral, value))
    if isinstance(value, dict):
        return {key: neutral(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        names = [field.name for field in msgspec.structs.fields(type(value))]
        return type(value)(**{name: neutral(getattr(value, name)) for name in names})
    return value


def neutral_text(text: str) -> str:
    """Return ``text`` with hashes, digits and private paths replaced."""
    if text.startswith("/") and not text.startswith(SYSTEM_PREFIXES):
        return "/usr/bin/program"
    return re.sub(r"\b[0-9a-f]{16,}\b", "", text)


def without_the_program(thread: Thread) -> Thread:
    """Return ``thread`` with the frames of libraries alone."""
    frames = [f for f in thread.frames if f.module and "/lib" in f.module]
    return msgspec.structs.replace(
        thread,
        name="program",
        frames=tuple(msgspec.structs.replace(frame, source=()) for frame in frames),
    )


def neutral_bytes(data: bytes) -> bytes:
    """Return a file of /proc or a record of ours with its values replaced."""
    data = re.sub(rb'("(id|boot_id|hostname|executable)": )"[^"]*"', rb'\1""', data)
    data = re.sub(rb'("(expected|found)": )"[^"]*[/!-][^"]*"', rb'\1""', data)
    data = re.sub(rb"(?m)^(Name:\t).*", rb"\1program", data)
    return re.sub(rb"\d", b"0", data)


def sample(path: str) -> list[bytes]:
    """Return the encoded sections of a snapshot, the most particular first."""
    snapshot = neutral(read_snapshot(path))
    assert isinstance(snapshot, Snapshot)
    private = ("callstack", "hostname", "uname.", "application", "coresnap.")
    snapshot = msgspec.structs.replace(
        snapshot,
        command="program",
        threads=tuple(map(without_the_program, snapshot.threads)),
        fingerprint_frames=(),
        attributes={
            name: value
            for name, value in snapshot.attributes.items()
            if not name.startswith(private)
        },
        assets={n: d for n, d in snapshot.assets.items() if n not in PRIVATE_ASSETS},
        fingerprint="",
    )
    names = ("threads", "modules", "assets", "summary")
    return [schema.encode(schema.part(snapshot, name)) for name in names]


def novel(data: bytes, known: set[bytes]) -> bytes:
    """Return the parts of ``data`` that ``known`` shingles do not cover."""
    kept = bytearray()
    covered = 0
    for position in range(len(data)):
        shingle = data[position : position + SHINGLE]
        if shingle in known:
            covered = max(covered, position + len(shingle))
        known.add(shingle)
        if position >= covered:
            kept.append(data[position])
    return bytes(kept)


def main(paths: list[str]) -> None:
    """Write the dictionary to standard output; what matters most stands last."""
    samples = [sample(path) for path in paths]
    known: set[bytes] = set()
    parts = [novel(part, known) for kind in zip(*samples, strict=True) for part in kind]
    sys.stdout.buffer.write(b"".join(parts)[:SIZE_MAX])


if __name__ == "__main__":
    main(sys.argv[1:])
