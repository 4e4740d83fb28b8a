"""A worker that can only read below a descriptor finds all that a free one finds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

import capability_mode
from conftest import CompileProgram, Corpus, KernelCore
from coresnap.backends.fake import FakeBackend
from coresnap.collect.compression import compress_core
from coresnap.config import Config, load_config
from coresnap.daemon.job import Job, analyse_core, preload
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.model import Frame, Snapshot
from coresnap.snapshot.container import read_snapshot

pytestmark = pytest.mark.root


@attrs.define
class CapabilityMode(FakeBackend):
    """A backend whose workers are in what plays capability mode."""

    empty: Path = Path()

    def confine(self) -> tuple[str, ...]:
        return capability_mode.enter(self.empty)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").write_text("")
    return attrs.evolve(
        load_config(tmp_path / "conf"), root=tmp_path, user="root", worker_time=120
    )


def analysed(
    core: Path,
    config: Config,
    backend: FakeBackend,
    **facts: Any,  # noqa: ANN401 - fields of Job
) -> tuple[Outcome, Snapshot]:
    preload()
    fd, _ = tempfile.mkstemp(dir=config.root)
    job = Job(
        id="0" * 32,
        core=core,
        assets=None,
        sysroot=None,
        debug_directories=config.debug_directories,
        **{"core_size": core.stat().st_size, **facts},
    )
    outcome = Worker(job, fd, config, backend, analyse_core, None).wait()
    assert outcome.verdict == Verdict.DONE, outcome.reason
    return outcome, read_snapshot(fd)


def timeless(snapshot: Snapshot) -> Snapshot:
    kept = {k: v for k, v in snapshot.attributes.items() if "time" not in k}
    return msgspec.structs.replace(snapshot, attributes=kept)


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.parametrize("source", ["nested.c", "inlines.c", "handler.c"])
def test_modules_and_debug_information_are_found(
    config: Config,
    tmp_path: Path,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    source: str,
) -> None:
    core = kernel_core([compile_program(source, "-g", "-O0")])
    (tmp_path / "empty").mkdir()

    _, free = analysed(core, config, FakeBackend())
    outcome, confined = analysed(core, config, CapabilityMode(empty=tmp_path / "empty"))

    assert outcome.confinement == ("capability-mode",)
    assert any(frame.line for frame in confined.threads[0].frames)
    assert timeless(confined) == timeless(free)


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name",
    [
        "freebsd/cores/threads/crash.292.0.11.fbsdlab.core",
        "freebsd/cores/cxx/cxx.501.0.6.fbsdlab.core",
        "freebsd/cores/i386/crash32.482.0.11.fbsdlab.core",
    ],
)
def test_a_core_of_freebsd_is_analysed(
    config: Config, tmp_path: Path, corpus: Corpus, name: str
) -> None:
    core = corpus.path(name)
    (tmp_path / "empty").mkdir()

    _, free = analysed(core, config, FakeBackend())
    _, confined = analysed(core, config, CapabilityMode(empty=tmp_path / "empty"))

    assert confined.threads
    assert timeless(confined) == timeless(free)


@pytest.mark.corpus
def test_a_core_that_was_compressed_since_is_restored_without_fdescfs(
    config: Config, tmp_path: Path, corpus: Corpus
) -> None:
    core = corpus.path("freebsd/cores/segv_null/crash.26.0.11.fbsdlab.core")
    (tmp_path / "empty").mkdir()
    packed = tmp_path / "packed"
    with core.open("rb") as source, packed.open("w+b") as target:
        compress_core(source.fileno(), target.fileno(), lambda size: None)

    plain, _ = tempfile.mkstemp(dir=tmp_path)
    mode = CapabilityMode(empty=tmp_path / "empty")
    size = core.stat().st_size
    _, confined = analysed(packed, config, mode, plain=plain, core_size=size)

    assert confined.command == "crash"
    assert confined.threads


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.parametrize("flag", ["-gsplit-dwarf", "-gz", "-gdwarf-4"])
def test_what_takes_a_path_of_its_own_costs_no_more_than_itself(
    config: Config,
    tmp_path: Path,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    flag: str,
) -> None:
    core = kernel_core([compile_program("nested.c", "-g", flag, "-O0")])
    (tmp_path / "empty").mkdir()

    _, free = analysed(core, config, FakeBackend())
    _, confined = analysed(core, config, CapabilityMode(empty=tmp_path / "empty"))

    found, all_there_is = confined.threads[0].frames, free.threads[0].frames
    if flag != "-gsplit-dwarf":
        assert timeless(confined) == timeless(free)
    # libdw opens a .dwo by its path. Without it there are the linker's names.
    assert [name(frame) for frame in found] == [name(frame) for frame in all_there_is]


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_a_file_that_stands_for_a_missing_one_is_made_in_memory(
    config: Config,
    tmp_path: Path,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
) -> None:
    if shutil.which("dwz") is None:
        pytest.skip("no dwz")
    names = ("nested.c", "handler.c")
    programs = [tmp_path / name for name in names]
    for source, program in zip(names, programs, strict=True):
        shutil.copy(compile_program(source, "-g", "-O0"), program)
    common = tmp_path / "common"
    subprocess.run(["dwz", "-m", common, *programs], check=True, capture_output=True)
    common.unlink(missing_ok=True)
    core = kernel_core([programs[0]])
    (tmp_path / "empty").mkdir()

    _, free = analysed(core, config, FakeBackend())
    _, confined = analysed(core, config, CapabilityMode(empty=tmp_path / "empty"))

    assert timeless(confined) == timeless(free)


def name(frame: Frame) -> str:
    return (frame.function or "?").partition(".")[0]
