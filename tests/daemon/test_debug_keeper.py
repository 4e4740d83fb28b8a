"""What workers decompress is kept by a process that has seen no core."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from conftest import CompileProgram
from coresnap.backends.archive_files import make_directories
from coresnap.config import Config, load_config
from coresnap.daemon.debug_keeper import DebugKeeper, take_debug_files
from coresnap.daemon.job import preload

pytestmark = [pytest.mark.compiler, pytest.mark.libdw, pytest.mark.root]

PATIENCE_SECONDS = 60


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="cs-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def config(place: Path) -> Config:
    (place / "conf").write_text(f"[archive]\nroot = {place}/root\n")
    config = load_config(place / "conf")
    make_directories(config, (0, 0))
    return config


@pytest.fixture
def packed(compile_program: CompileProgram, place: Path) -> Path:
    program = compile_program("simple.c", "-g", libraries=["-pthread"])
    target = place / "packed"
    command = ["objcopy", "--compress-debug-sections=zlib", str(program), str(target)]
    subprocess.run(command, check=True)
    return target


def kept(config: Config, count: int) -> list[Path]:
    """The entries, once there are ``count``; all that there are after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        entries = list(config.decompressed.glob("*.debug"))
        if len(entries) >= count:
            return entries
        time.sleep(0.01)
    return list(config.decompressed.glob("*.debug"))


def test_what_was_used_is_decompressed_once(config: Config, packed: Path) -> None:
    keeper = DebugKeeper()
    keeper.keep(config, None, [str(packed)])
    (entry,) = kept(config, 1)
    entry.unlink()
    other = packed.with_name("other")
    other.write_bytes(packed.read_bytes())
    keeper.keep(config, None, [str(packed), str(other)])
    (after,) = kept(config, 1)
    assert f"-{other.stat().st_ino:x}-" in after.name


def test_it_is_made_by_the_user_of_the_workers(config: Config, packed: Path) -> None:
    preload()  # as the daemon has: the user may not be able to read our files
    owner = (65534, 65534)
    os.chown(config.decompressed, *owner)
    DebugKeeper().keep(config, owner, [str(packed)])
    (entry,) = kept(config, 1)
    assert (entry.stat().st_uid, entry.stat().st_gid) == owner


def test_a_file_that_others_could_have_written_is_not_kept(
    config: Config, packed: Path, tmp_path: Path
) -> None:
    foreign, open_to_all, fifo = (
        tmp_path / name for name in ("foreign", "open", "fifo")
    )
    for path in (foreign, open_to_all):
        path.write_bytes(packed.read_bytes())
    os.chown(foreign, 65534, 65534)
    open_to_all.chmod(0o666)
    os.mkfifo(fifo)
    words = [foreign, open_to_all, fifo, tmp_path, tmp_path / "missing", packed]
    DebugKeeper().keep(config, None, [*map(str, words), "nul\0"])
    (entry,) = kept(config, 1)  # the last but one: those before were passed over
    assert f"-{packed.stat().st_ino:x}-" in entry.name


def test_who_switches_it_off_has_nothing_kept(config: Config, packed: Path) -> None:
    keeper = DebugKeeper()
    keeper.keep(attrs.evolve(config, debug_cache=False), None, [str(packed)])
    other = packed.with_name("other")
    other.write_bytes(packed.read_bytes())
    keeper.keep(config, None, [str(other)])
    (entry,) = kept(config, 1)
    assert f"-{other.stat().st_ino:x}-" in entry.name


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (["/a", "/b"], ("/a", "/b")),
        (["/a", 1, None, ["/b"]], ("/a",)),
        ("/a", ()),
        (None, ()),
        ([str(number) for number in range(1000)], tuple(map(str, range(64)))),
    ],
)
def test_a_worker_s_words_are_taken_with_care(
    said: object, taken: tuple[str, ...]
) -> None:
    facts: dict[str, Any] = {"size": 1, "debug_files": said}
    assert take_debug_files(facts) == taken
    assert facts == {"size": 1}
