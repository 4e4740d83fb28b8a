"""Two helpers that get one crash, and what the cores that they leave can be asked."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

import catcher as catching
from catcher import Catcher, Caught
from coresnap.elfcore.corefile import open_core
from kernel import core_pattern, run_unlimited

MEBIBYTE = 1 << 20


@attrs.frozen
class Load:
    """A program header of memory."""

    offset: int
    address: int
    size: int
    memory: int


def loads_of(core: Path) -> list[Load]:
    command = ["readelf", "-lW", str(core)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fields = [line.split() for line in output.splitlines() if "LOAD" in line]
    return [Load(*(int(f[at], 16) for at in (1, 2, 4, 5))) for f in fields]


def stored(core: Path) -> int:
    return sum(load.size for load in loads_of(core))


def blocks(core: Path) -> int:
    """Bytes that the file has on the disk."""
    return core.stat().st_blocks * 512


def assert_honest(part: Path, whole: Path) -> None:
    """What ``part`` claims is what ``whole`` has, and no address is lost."""
    with open_core(part) as found, open_core(whole) as expected:
        for load in loads_of(part):
            assert load.offset + load.size <= part.stat().st_size
            if load.size:
                content = found.memory.read(load.address, load.size)
                assert content == expected.memory.read(load.address, load.size)
    assert spans(part) == spans(whole)


def spans(core: Path) -> list[tuple[int, int]]:
    """The address space that the headers describe, neighbours joined."""
    result: list[tuple[int, int]] = []
    for load in sorted(loads_of(core), key=lambda load: load.address):
        if result and result[-1][1] == load.address:
            start = result.pop()[0]
        else:
            start = load.address
        result.append((start, load.address + load.memory))
    return result


@attrs.frozen
class Twins:
    """Two helpers that get the same crash, one its core whole."""

    whole: Catcher
    part: Catcher

    def catch(self, argv: Sequence[str | Path]) -> tuple[Caught, Caught]:
        script = self.whole.directory / "both"
        one, other = (
            f"{c.program} -c {c.settings_file}"
            for c in attrs.astuple(self, recurse=False)
        )
        # Bash holds the pipe, and so the process, until both are done.
        script.write_text(
            f"#!/bin/bash\nPATH=/usr/bin:/bin\n"
            f'tee -p >({other} "$@") | {one} "$@"\nwait\n'
        )
        script.chmod(0o755)
        with core_pattern(f"|{script} {catching.SPECIFIERS}", pipe_limit=16):
            run_unlimited(argv)
            messages = [c.wait() for c in (self.whole, self.part)]
        return (
            self.whole.read(messages[0].split()[0]),
            self.part.read(messages[1].split()[0]),
        )


@contextlib.contextmanager
def mounted(kind: str, image: Path, size: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        if kind != "tmpfs":
            image.touch()
            os.truncate(image, size)
            make = {
                "ext4": ["mkfs.ext4", "-q", "-m", "0", str(image)],
                "xfs": ["mkfs.xfs", "-q", str(image)],
            }[kind]
            try:
                subprocess.run(make, capture_output=True, check=True)
            except (OSError, subprocess.CalledProcessError):
                pytest.skip(f"cannot make a filesystem of type {kind}")
            options = ["-o", "loop", str(image)]
        mount = ["mount", *options, directory]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip(f"cannot mount {kind}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)
