"""Processes in namespaces and a root of their own, which go when the last one ends."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from conftest import CompileProgram
from kernel import run_unlimited

PROGRAM = "/app/contained"
LIBRARY = "/app/lib/libcontained.so"

_TMPFS = 'mount -t tmpfs none "$1"; cp -a "$2/." "$1"; cd "$1"'
_OVERLAY = (
    'mount -t tmpfs none "$1"; mkdir "$1/upper" "$1/work" "$1/merged";'
    ' mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work"'
    ' none "$1/merged"; cd "$1/merged"'
)
# The shell stays, or unshare would end by the signal that it is told of, and crash too.
_ENTER = 'hostname "$3"; shift 3; ./enter_root "$@"; exit $?'
HOSTNAME = "cage"


def build_image(compile_program: CompileProgram, directory: Path) -> Path:
    """Lay out a root with ``PROGRAM`` and all that it needs; return it."""
    library = compile_program(
        "contained_library.c",
        *("-g", "-O0", "-shared", "-fPIC", "-Wl,-soname,libcontained.so"),
        name="libcontained.so",
    )
    program = compile_program(
        "contained.c",
        *("-g", "-O0", "-Wl,-rpath,/app/lib"),
        libraries=[str(library)],
    )
    entrance = compile_program("enter_root.c", "-static")
    image = directory / "image"
    (image / "app" / "lib").mkdir(parents=True)
    shutil.copy(program, image / PROGRAM[1:])
    shutil.copy(library, image / LIBRARY[1:])
    shutil.copy(entrance, image / "enter_root")
    for path in needed_files(program):
        target = image / str(path)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return image


def needed_files(program: Path) -> list[Path]:
    """The system's libraries that a program is linked with, and its interpreter."""
    text = subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"(/\S*(?:libc\.|ld-linux)\S*) \(", text)
    return [Path(path) for path in found]


def crash_contained(
    image: Path,
    directory: Path,
    *,
    overlay: bool = False,
    user: bool = True,
    arguments: Sequence[str] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run ``PROGRAM`` of an image in new namespaces.

    Its files are copied into a tmpfs that nobody else has mounted, or lie below an
    overlay; ``user`` gives it a user namespace too. ``directory`` is covered.
    """
    mounting = _OVERLAY if overlay else _TMPFS
    unshare = ["unshare", "--pid", "--mount", "--uts", "--ipc", "--fork"]
    unshare += ["--user", "--map-root-user"] if user else []
    script = ["sh", "-euc", f"{mounting}; {_ENTER}", "sh"]
    words = [directory, image, HOSTNAME, PROGRAM, *arguments]
    return run_unlimited([*unshare, *script, *map(str, words)])
