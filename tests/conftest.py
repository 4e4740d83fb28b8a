"""Fixtures of all tests: compiled programs, kernel-written cores, the corpus."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol, cast

import attrs
import hypothesis
import pytest

TESTS = Path(__file__).parent
# What builds packages and the site is no part of coresnap, either.
sys.path[:0] = [str(TESTS), str(TESTS.parent / "packaging")]

# The tests' own modules, found through the path above.
import catcher as catching  # noqa: E402
import kernel  # noqa: E402
from built_packages import (  # noqa: E402
    debian,  # noqa: F401 - a fixture
    packages,  # noqa: F401 - a fixture
    trees,  # noqa: F401 - a fixture
    why_no_packages,
)
from store.postgresql_server import why_no_postgresql  # noqa: E402
from store.seaweedfs_server import why_no_seaweedfs  # noqa: E402
from system.host import why_no_system  # noqa: E402
from views.web.chromium import why_no_browser  # noqa: E402

REPOSITORY = TESTS.parent
SOURCES = TESTS / "cores"
CORPUS = Path(
    os.environ.get("CORESNAP_CORPUS", REPOSITORY.parent / "shared" / "corpus")
)
COPY_SIZE = 1 << 20

# A busy machine is no failure: no example is timed.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# A shell ignores these for what it starts in the background, and children inherit it:
# programs that are to die of them, or end, would not.
for ignored in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)


# --- what this machine can do -------------------------------------------------


def _missing_program(*names: str) -> str | None:
    missing = [name for name in names if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


def _why_no_sanitizer() -> str | None:
    if missing := _missing_program("cc"):
        return missing
    with tempfile.TemporaryDirectory() as directory:
        build = subprocess.run(
            ["cc", "-fsanitize=address,undefined", "-xc", "-", "-o", f"{directory}/a"],
            input=b"int main(void) { return 0; }",
            capture_output=True,
            check=False,
        )
    return None if build.returncode == 0 else "the C compiler has no ASan and UBSan"


def _why_no_libdw() -> str | None:
    if importlib.util.find_spec("coresnap._libdw"):
        return None
    return "coresnap._libdw is not built (setup.py build_ext --inplace)"


def _why_no_site() -> str | None:
    names = ("material", "mdx_truly_sane_lists", "mermaidx", "mkdocstrings_handlers")
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (the extra docs)" if missing else None


def _why_no_tmux() -> str | None:
    return None if shutil.which("tmux") else "tmux is not installed"


def _why_no_zig() -> str | None:
    if importlib.util.find_spec("ziglang"):
        return None
    return "ziglang is not installed (for this machine there may be none)"


REQUIREMENTS: dict[str, Callable[[], str | None]] = {
    "browser": why_no_browser,
    "compiler": lambda: _missing_program("cc"),
    "core_pattern": kernel.why_no_core_pattern,
    "corpus": lambda: None if CORPUS.is_dir() else f"no corpus of cores at {CORPUS}",
    "elfutils": lambda: _missing_program("eu-stack", "eu-readelf"),
    "gdb": lambda: _missing_program("gdb"),
    "linux": kernel.why_no_linux,
    "libdw": _why_no_libdw,
    "packages": why_no_packages,
    "postgresql": why_no_postgresql,
    "qemu": why_no_system,
    "root": lambda: None if os.geteuid() == 0 else "not root",
    "s3": why_no_seaweedfs,
    "sanitizer": _why_no_sanitizer,
    "site": _why_no_site,
    "tmux": _why_no_tmux,
    "zig": _why_no_zig,
}
"""Marker to a check that says what is missing, None if nothing is."""


@functools.cache
def _why_not(marker: str) -> str | None:
    return REQUIREMENTS[marker]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, what this machine cannot do."""
    for mark in item.iter_markers():
        if mark.name in REQUIREMENTS and (reason := _why_not(mark.name)):
            pytest.skip(reason)


# --- what was tried how often --------------------------------------------------

OUTCOMES = ("whole", "less", "nothing")
"""What is left of a crash: all of it; less, which says so; no trace in the spool."""


class Tally(Protocol):
    """Counts crashes under an attack or fault, by what is left of them."""

    def __call__(
        self, attack: str, *, whole: int = 0, less: int = 0, nothing: int = 0
    ) -> None: ...


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Add to the table of docs/reliability.md, which each run ends with."""

    def tally(attack: str, *, whole: int = 0, less: int = 0, nothing: int = 0) -> None:
        record_property("tally", (attack, whole, less, nothing))

    return tally


def _add_up(reports: Iterable[pytest.TestReport]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for report in reports:
        for name, value in report.user_properties:
            if name == "tally":
                attack, *counts = cast("tuple[str, int, int, int]", value)
                row = rows.setdefault(attack, [0] * len(OUTCOMES))
                rows[attack] = [a + b for a, b in zip(row, counts, strict=True)]
    return rows


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried how often, as tables for docs/reliability.md."""
    passed = terminalreporter.stats.get("passed", [])
    tallies = _add_up(passed)
    names = (report.nodeid.rpartition("::")[2] for report in passed)
    rules = Counter(name[6:8] for name in names if re.match(r"test_r\d\d_", name))
    write = terminalreporter.write_line
    if tallies:
        terminalreporter.section("reliability")
        write("| " + " | ".join(["attack or fault", "tried", *OUTCOMES]) + " |")
        write("|---" * 5 + "|")
    for attack, counts in sorted(tallies.items()):
        numbers = " | ".join(f"{number:,}" for number in [sum(counts), *counts])
        write(f"| {attack} | {numbers} |")
    if rules:
        terminalreporter.section("attacks on each rule of docs/capture.md")
        write(", ".join(f"R{int(rule)} {rules[rule]}" for rule in sorted(rules)))


# --- programs -----------------------------------------------------------------


class CompileProgram(Protocol):
    """Compiles ``tests/cores/<source>``; equal requests share one binary.

    ``flags`` go before the source, ``libraries`` (``-pthread``, ``-ljemalloc``)
    behind it. The build line lies beside the binary, as ``<binary>.build``.
    """

    def __call__(
        self,
        source: str | Path,
        *flags: str,
        libraries: Sequence[str] = (),
        compiler: str | None = None,
        name: str | None = None,
    ) -> Path: ...


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is left in the cache of whoever runs the tests, or found there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def compile_program(tmp_path_factory: pytest.TempPathFactory) -> CompileProgram:
    """Compile test programs; a test that uses this wants the marker ``compiler``."""
    directory = tmp_path_factory.mktemp("programs")

    def compile_program(
        source: str | Path,
        *flags: str,
        libraries: Sequence[str] = (),
        compiler: str | None = None,
        name: str | None = None,
    ) -> Path:
        path = SOURCES / source
        if compiler is None:
            compiler = "c++" if path.suffix in {".cc", ".cpp"} else "cc"
        line = [compiler, *flags, str(path), *libraries]
        key = hashlib.sha256("\0".join(line).encode()).hexdigest()[:12]
        binary = directory / key / (name or path.stem)
        if binary.exists():
            return binary
        if missing := _missing_program(compiler):
            pytest.skip(missing)
        binary.parent.mkdir(exist_ok=True)
        line += ["-o", str(binary)]
        build = subprocess.run(line, capture_output=True, text=True, check=False)
        if build.returncode:
            pytest.fail(f"{shlex.join(line)}\n{build.stderr}")
        binary.with_name(binary.name + ".build").write_text(shlex.join(line) + "\n")
        return binary

    return compile_program


# --- cores --------------------------------------------------------------------


@pytest.fixture(scope="session")
def core_directory() -> Iterator[Path]:
    """A directory with a short path, which core_pattern has room for."""
    with tempfile.TemporaryDirectory(prefix="coresnap-cores-") as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


class KernelCore(Protocol):
    """Runs a program that crashes, and returns the core that the kernel wrote."""

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        env: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Path: ...


@pytest.fixture(scope="session")
def kernel_core(core_directory: Path) -> KernelCore:
    """Make real cores; a test that uses this wants the marker ``core_pattern``."""
    if reason := _why_not("core_pattern"):
        pytest.skip(reason)

    def kernel_core(
        argv: Sequence[str | Path],
        *,
        env: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Path:
        directory = Path(tempfile.mkdtemp(dir=core_directory))
        directory.chmod(0o777)
        return kernel.kernel_core(argv, directory, env=env, timeout=timeout)

    return kernel_core


@attrs.frozen
class Corpus:
    """Real cores of other machines, decompressed on demand into a cache."""

    root: Path
    cache: Path

    def path(self, name: str) -> Path:
        """Return the plain file; ``linux/lldb/linux-i386.core`` finds the ``.zst``."""
        plain = self.root / name
        if plain.suffix != ".zst" and plain.exists():
            return plain
        packed = plain if plain.suffix == ".zst" else Path(f"{plain}.zst")
        target = self.cache / packed.relative_to(self.root).with_suffix("")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with _open_zstd(packed) as source, target.open("wb") as output:
                _copy_sparse(source, output)
        return target


def _open_zstd(path: Path) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast(IO[bytes], zstd.open(path, "rb"))


def _copy_sparse(source: IO[bytes], output: IO[bytes]) -> None:
    while piece := source.read(COPY_SIZE):
        if piece.count(0) == len(piece):
            output.seek(len(piece), os.SEEK_CUR)
        else:
            output.write(piece)
    output.truncate()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Find the corpus; a test that uses this wants the marker ``corpus``."""
    if reason := _why_not("corpus"):
        pytest.skip(reason)
    return Corpus(root=CORPUS, cache=tmp_path_factory.mktemp("corpus"))


# --- capture ------------------------------------------------------------------


@pytest.fixture(scope="session")
def catch_program() -> Iterator[Path]:
    """A freshly compiled coresnap-catch, at a path short enough for core_pattern."""
    with tempfile.TemporaryDirectory(prefix="coresnap-") as directory:
        yield catching.build(Path(directory) / "catch", "-O2")


@pytest.fixture
def catcher(catch_program: Path) -> Iterator[catching.Catcher]:
    """An empty spool on an ordinary filesystem, and the settings that name it."""
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(catch_program, Path(directory)) as result,
    ):
        yield result


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process to describe; it is stopped, as a crashed one would be."""
    process = subprocess.Popen(["sleep", "1000"])
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()
