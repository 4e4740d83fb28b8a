"""The same bugs out of many builds: programs, variants, and what is said of each."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from coresnap.analysis.session import analyze
from coresnap.model import Snapshot
from kernel import core_pattern

__all__ = [
    "NAMED",
    "PROGRAMS",
    "STRIPPED",
    "SYMBOLS",
    "Sample",
    "Variant",
    "samples",
]

PROGRAMS = Path(__file__).with_name("programs")
_TIMEOUT = 60
_AT_ONCE = 2


@attrs.frozen
class Variant:
    """One way to build and run the same source."""

    name: str
    compiler: str = "gcc"
    level: str = "-O0"
    directory: str = "a"
    """Where the source lies: a part of every path in the debug information."""
    extra: bool = False
    """With code around that has nothing to do with the bugs."""
    seed: int = 3
    strip: str = ""
    """Option of strip(1), for the executable that is analysed."""


NAMED = (
    Variant("gcc -O0"),
    Variant("gcc -O2", level="-O2"),
    Variant("clang -O0", "clang"),
    Variant("clang -O2", "clang", "-O2"),
    Variant(
        "elsewhere, other code, input", level="-O2", directory="b/c", extra=True, seed=8
    ),
    Variant("other input", seed=12),
)
"""All with debug information."""
SYMBOLS = (
    Variant("symbols -O0", strip="--strip-debug"),
    Variant("symbols -O2", level="-O2", strip="--strip-debug"),
)
STRIPPED = (
    Variant("stripped", level="-O2", strip="--strip-all"),
    Variant(
        "stripped, elsewhere, other code",
        level="-O2",
        directory="b/c",
        extra=True,
        seed=5,
        strip="--strip-all",
    ),
)


@attrs.frozen
class Sample:
    """One crash of one bug."""

    bug: str
    variant: Variant
    snapshot: Snapshot


def samples(source: str, variants: Sequence[Variant], below: Path) -> Iterator[Sample]:
    """Build ``source`` in each way, crash it by each of its bugs, and analyse.

    Raises ``CalledProcessError`` if a compiler fails.
    """
    for number, variant in enumerate(variants):
        place = below / f"{Path(source).stem}-{number}"
        program = _build(PROGRAMS / source, variant, place)
        yield from _crashes(program, variant, place)


def _build(source: Path, variant: Variant, place: Path) -> Path:
    directory = place / variant.directory
    directory.mkdir(parents=True)
    copy = Path(shutil.copy(source, directory))
    program = place / source.stem
    subprocess.run(_command(copy, program, variant), check=True, timeout=_TIMEOUT)
    return program


def _command(source: Path, program: Path, variant: Variant) -> list[str]:
    if source.suffix == ".rs":
        rustc = shutil.which("rustc") or str(Path.home() / ".cargo/bin/rustc")
        level = f"-Copt-level={variant.level[-1]}"
        words = [rustc, "--edition=2021", "-Awarnings", "-g", level, "-Cpanic=abort"]
        words += ["--cfg=extra"] if variant.extra else []
        # The same names in every release: Debian's rustc still writes the legacy ones.
        words += ["-Csymbol-mangling-version=v0"]
        return [*words, str(source), "-o", str(program)]
    compiler = variant.compiler
    words = ["-g", variant.level, "-w", "-fstack-protector-strong"]
    words += ["-DEXTRA"] if variant.extra else []
    if source.suffix == ".cc":
        compiler = {"gcc": "g++", "clang": "clang++"}[compiler]
        words.append("-std=c++17")
    return [compiler, *words, str(source), "-o", str(program), "-pthread"]


def _crashes(program: Path, variant: Variant, place: Path) -> Iterator[Sample]:
    listed = subprocess.run([program], capture_output=True, text=True, check=True)
    bugs = listed.stdout.split()
    with core_pattern(f"{place}/core.%P"), ThreadPoolExecutor(_AT_ONCE) as pool:
        cores = list(pool.map(lambda bug: _crash(program, bug, variant, place), bugs))
    shown = program
    if variant.strip:
        # The process keeps the file that it was started from: this is another one.
        shown = place / "stripped" / program.name
        shown.parent.mkdir()
        subprocess.run(["strip", variant.strip, "-o", shown, program], check=True)
        program.unlink()
    for bug, core in zip(bugs, cores, strict=True):
        yield Sample(f"{program.name}: {bug}", variant, analyze(core, shown))
        core.unlink()


def _crash(program: Path, bug: str, variant: Variant, place: Path) -> Path:
    words = (str(program), bug, str(variant.seed))
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "RUST_BACKTRACE": "0"},
    )
    process.wait(_TIMEOUT)
    core = place / f"core.{process.pid}"
    assert core.exists(), f"{program.name} {bug} left no core: {process.returncode}"
    return core
