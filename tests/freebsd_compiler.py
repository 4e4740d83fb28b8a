"""What compiles for FreeBSD here: its own compiler, elsewhere that which Zig brings."""

from __future__ import annotations

import importlib.util
import platform
import sys

import pytest

__all__ = ["compiler"]

_TARGETS = {
    "amd64": "x86_64-freebsd",
    "arm64": "aarch64-freebsd",
    "i386": "x86-freebsd",
    "arm": "arm-freebsd-eabihf",
    "riscv64": "riscv64-freebsd",
}
"""The machine by FreeBSD's name, and the target by Zig's."""


def compiler(machine: str) -> list[str]:
    """The command that compiles for ``machine``; skips where there is none."""
    if platform.system() == "FreeBSD":
        if machine not in (platform.machine(), platform.processor()):
            pytest.skip("the headers here are those of another machine")
        return ["cc"]
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed (for this machine there may be none)")
    return [sys.executable, "-m", "ziglang", "cc", "-target", _TARGETS[machine]]
