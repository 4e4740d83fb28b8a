"""What is looked at after a run: the disk of the machine that is off."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import attrs

from system.host import TroubleError, output_of
from system.machine import Machine

__all__ = ["Remains", "keep"]


@attrs.frozen
class Remains:
    """The disk of a machine that is off, as a plain file."""

    path: Path

    @classmethod
    def of(cls, machine: Machine) -> Remains:
        """Copy the disk of a machine; the caller removes the file."""
        path = machine.directory / "disk.raw"
        output_of(["qemu-img", "convert", "-O", "raw", machine.disk, path])
        return cls(path)

    def check(self) -> str:
        """Return what e2fsck says of the filesystem; empty if it is clean."""
        words = ["e2fsck", "-f", "-n", str(self.path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def journal(self, directory: Path) -> None:
        """Put the guest's journal into ``directory``, for ``journalctl -D``."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        output_of(["debugfs", "-R", f"rdump /var/log/journal {directory}", self.path])


def keep(machine: Machine, remains: Remains, directory: Path) -> None:
    """Keep what tells why something failed: console, journal, what qemu said."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in (machine.console.name, "qemu.log"):
        source = machine.directory / name
        if source.exists() and source.parent != directory:
            shutil.copy(source, directory)
    try:
        remains.journal(directory / "journal")
    except TroubleError as error:
        (directory / "journal.txt").write_text(f"not to be had: {error}\n")
