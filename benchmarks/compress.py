"""What a stored core costs: compressed and had back, beside zstd and a copy.

Needs zstd and, below ``--directory``, some gigabytes. Reports medians of ``--runs``.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from coresnap.collect.compression import compress_core, verify_compressed
from coresnap.collect.stored_core import open_stored, write_pieces

MEBIBYTE = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--directory", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        for title, core in cores(directory):
            print(f"\n{title}: {core.stat().st_size:,} bytes, {disk(core):,} on disk")
            for what, seconds, taken in measure(directory, core, arguments.runs):
                rate = disk(core) / MEBIBYTE / seconds
                print(f"  {what:<30} {seconds:7.2f} s {rate:7.0f} MiB/s {taken:>13,} B")
            core.unlink()


def cores(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield a process's memory of three kinds; the first is this interpreter's own."""
    path = directory / "core"
    yield "a Python process of 500 MiB, by gcore", python_core(directory, path)
    path = directory / "holes"
    with path.open("wb") as stream:
        chance = random.Random(1)
        for at in range(0, 4096, 64):
            stream.seek(at * MEBIBYTE)
            stream.write(chance.randbytes(MEBIBYTE // 2) + b"text" * (MEBIBYTE // 8))
        stream.truncate(4 << 30)
    yield "4 GiB, all holes but 64 MiB", path


def python_core(directory: Path, path: Path) -> Path:
    program = (
        "import json, sys\n"
        "x = [json.dumps({'number': i, 'half': i / 2, 'name': str(i)})"
        " for i in range(4_500_000)]\n"
        "print(flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        gcore = ["gcore", "-o", str(directory / "gcore"), str(process.pid)]
        subprocess.run(gcore, check=True, capture_output=True)
        process.kill()
    copy = ["cp", "--sparse=always", f"{directory}/gcore.{process.pid}", str(path)]
    subprocess.run(copy, check=True)
    (directory / f"gcore.{process.pid}").unlink()
    return path


def measure(directory: Path, core: Path, runs: int) -> Iterator[tuple[str, float, int]]:
    """Yield what was done, its seconds, and the bytes on disk that it left."""
    packed, peer, copy = (directory / n for n in ("packed", "peer.zst", "copy"))
    jobs: list[tuple[str, Path, Callable[[], object]]] = [
        ("coresnap compress", packed, lambda: compress(core, packed)),
        ("  and compare", packed, lambda: compare(core, packed)),
        ("zstd -3 -T1", peer, lambda: run("zstd", "-q3fT1", core, "-o", peer)),
        ("coresnap core extract, zstd", copy, lambda: extract(packed, copy)),
        ("zstd -d --sparse", copy, lambda: run("zstd", "-qdf", peer, "-o", copy)),
        ("coresnap core extract, plain", copy, lambda: extract(core, copy)),
        ("cp --sparse=auto", copy, lambda: run("cp", "--reflink=never", core, copy)),
    ]
    for what, result, job in jobs:
        seconds = []
        for _ in range(runs):
            if result == copy:
                copy.unlink(missing_ok=True)
            begin = time.perf_counter()
            job()
            seconds.append(time.perf_counter() - begin)
        yield what, median(seconds), disk(result)
    for path in (packed, peer, copy):
        path.unlink()


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def disk(path: Path) -> int:
    return path.stat().st_blocks * 512


def compress(core: Path, target: Path) -> None:
    with core.open("rb") as source, target.open("wb") as output:
        compress_core(source.fileno(), output.fileno(), lambda done: None)


def compare(core: Path, packed: Path) -> None:
    with core.open("rb") as source, packed.open("rb") as target:
        verify_compressed(source.fileno(), target.fileno())


def extract(core: Path, target: Path) -> None:
    with core.open("rb") as source:
        output = os.open(target, os.O_WRONLY | os.O_CREAT)
        try:
            write_pieces(open_stored(source.fileno()), output, lambda done: None)
        finally:
            os.close(output)


if __name__ == "__main__":
    main()
