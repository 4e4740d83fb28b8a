"""Three settings of the Linux kernel, changed together or not at all."""

from __future__ import annotations

from pathlib import Path

import attrs

from coresnap.errors import AccessError, CaptureError

__all__ = [
    "CORE_PATTERN",
    "CORE_PIPE_LIMIT",
    "SUID_DUMPABLE",
    "Sysctl",
]

CORE_PATTERN = "kernel.core_pattern"
CORE_PIPE_LIMIT = "kernel.core_pipe_limit"
SUID_DUMPABLE = "fs.suid_dumpable"


@attrs.frozen
class Sysctl:
    """``/proc/sys``, or a directory that looks like it."""

    directory: Path = Path("/proc/sys")

    def path(self, name: str) -> Path:
        """Return the file of the setting ``name``."""
        return self.directory / name.replace(".", "/")

    def read(self, name: str) -> str:
        """Return a setting; "" where this kernel has none."""
        try:
            return self.path(name).read_text(errors="surrogateescape").rstrip("\n")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise CaptureError(f"cannot read {name}: {error.strerror}") from error

    def write(self, name: str, value: str) -> None:
        """Write a setting, read it back, and raise CaptureError if it is not there."""
        try:
            self.path(name).write_text(value + "\n", errors="surrogateescape")
        except PermissionError as error:
            raise AccessError(f"may not set {name}: {error.strerror}") from error
        except OSError as error:
            raise CaptureError(f"cannot set {name}: {error.strerror}") from error
        # Since Linux 6.17 (fs/coredump.c, proc_dostring_coredump) an invalid pattern
        # is accepted and only found wanting when it is read.
        if (kept := self.read(name)) != value:
            raise CaptureError(f"{name} does not keep {value!r}, it is {kept!r}")

    def write_all(self, wanted: dict[str, str]) -> None:
        """Write several settings in order; on an error all are as they were."""
        before = {name: self.read(name) for name in wanted}
        done: list[str] = []
        try:
            for name, value in wanted.items():
                done.append(name)
                self.write(name, value)
        except (AccessError, CaptureError):
            for name in reversed(done):
                self.write(name, before[name])
            raise
