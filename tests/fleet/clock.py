"""Processes with another wall clock than the machine's (``wallclock.c``)."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs

__all__ = ["Clock"]

_SOURCE = Path(__file__).parent / "wallclock.c"
_AHEAD = struct.Struct("=q")


@attrs.frozen
class Clock:
    """A clock that is so many seconds ahead of the machine's, until it is set."""

    path: Path
    library: Path

    @classmethod
    def make(cls, directory: Path, ahead: int) -> Clock:
        """Make a clock below a directory. It takes a C compiler."""
        library = directory / "wallclock.so"
        flags = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
        words = ["cc", *flags, "-o", str(library), str(_SOURCE)]
        subprocess.run(words, check=True)
        clock = cls(directory / "clock", library)
        clock.set(ahead)
        return clock

    def set(self, ahead: int) -> None:
        """Set it; whoever has it sees that at once."""
        # In place: who maps the file keeps its inode.
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.write(_AHEAD.pack(ahead))

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment."""
        return {"LD_PRELOAD": str(self.library), "WALLCLOCK": str(self.path)}
