"""A wheel that needs neither compiler nor libdw where it is installed."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from builder.command import BuildError, run
from builder.wheel import build_wheel
from distribution.complete import complete

__all__ = ["build_portable_wheel"]

_INTERPRETER = b"\x03\x00\x00\x00"
"""PT_INTERP, which a static program has not."""


def build_portable_wheel(output: Path, epoch: int) -> Path:
    """Build the wheel, bundle its libraries, complete it; return it.

    Raises BuildError where this machine lacks what would make it whole.
    """
    with tempfile.TemporaryDirectory(prefix="coresnap-wheel-") as directory:
        plain = _built_without_debug_information(Path(directory, "plain"))
        _check(plain)
        repaired = Path(directory, "repaired")
        run(["auditwheel", "repair", "--wheel-dir", str(repaired), str(plain)])
        (wheel,) = repaired.iterdir()
        complete(wheel, epoch)
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, output))


def _built_without_debug_information(directory: Path) -> Path:
    """Build; only coresnap-crash, whose core is to be read, asks for -g later on."""
    before = os.environ.get("CFLAGS", "")
    os.environ["CFLAGS"] = f"{before} -g0".strip()
    try:
        return build_wheel(directory)
    finally:
        os.environ["CFLAGS"] = before


def _check(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        if "coresnap/_libdw.abi3.so" not in names:
            raise BuildError(
                "the wheel has no coresnap._libdw, so it would name no functions and "
                "lines; install libdw-dev (Debian), elfutils-devel (Fedora, EL) or "
                "elfutils-dev (Alpine)"
            )
        if "coresnap/libexec/coresnap-catch" not in names:
            raise BuildError("the wheel has no coresnap-catch; install a C compiler")
        if _is_dynamic(archive.read("coresnap/libexec/coresnap-catch")):
            raise BuildError(
                "coresnap-catch is not static; install libc's static library: "
                "libc6-dev (Debian), glibc-static (Fedora, EL)"
            )


def _is_dynamic(program: bytes) -> bool:
    """Look for PT_INTERP among the program headers of a 64-bit ELF file."""
    start = int.from_bytes(program[32:40], "little")
    size = int.from_bytes(program[54:56], "little")
    count = int.from_bytes(program[56:58], "little")
    headers = (start + size * number for number in range(count))
    return any(program[at : at + 4] == _INTERPRETER for at in headers)
