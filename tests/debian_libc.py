"""Other releases' glibc, from Debian's archive, to run the tests' programs with."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

MIRROR = "http://deb.debian.org/debian"
TIMEOUT = 60
START = Path(__file__).parent / "cores" / "old_start.c"


def fetch_libc(suite: str, directory: Path) -> Path:
    """The directory with ``libc.so.6`` and ``ld-linux-x86-64.so.2`` of a suite.

    Skips the test where the archive cannot be reached or has not got the suite.
    """
    if shutil.which("dpkg-deb") is None:
        pytest.skip("not installed: dpkg-deb")
    target = directory / suite
    if not target.exists():
        index = lzma.decompress(_get(f"dists/{suite}/main/binary-amd64/Packages.xz"))
        found = re.search(rb"(?m)^Package: libc6\n(?:.+\n)*?Filename: (\S+)", index)
        if found is None:
            pytest.skip(f"{suite} has no libc6 for amd64")
        package = directory / f"{suite}.deb"
        package.write_bytes(_get(found[1].decode()))
        subprocess.run(["dpkg-deb", "-x", package, target], check=True)
    return next(target.rglob("libc.so.6")).parent


def _get(path: str) -> bytes:
    try:
        with urllib.request.urlopen(f"{MIRROR}/{path}", timeout=TIMEOUT) as answer:
            data: bytes = answer.read()
            return data
    except (urllib.error.URLError, TimeoutError) as problem:
        pytest.skip(f"{MIRROR} cannot be reached: {problem}")


def compile_for(source: Path, oldest: Path, libc: Path, target: Path) -> Path:
    """A program that asks for no newer symbols than ``oldest`` has, and runs ``libc``.

    Today's crt1.o asks for today's ``__libc_start_main``: old_start.c stands in.
    """
    flags = "-g -O1 -w -fno-stack-protector -nostdlib -nostartfiles -fPIE -pie"
    libraries = [oldest / "libc.so.6", oldest / "libpthread.so.0"]
    link = [
        f"-Wl,--dynamic-linker={libc / 'ld-linux-x86-64.so.2'}",
        f"-Wl,-rpath,{libc}",
        "-Wl,--allow-shlib-undefined",
    ]
    line = ["cc", *flags.split(), START, source, *libraries, *link, "-o", target]
    subprocess.run(list(map(str, line)), check=True)
    return target
