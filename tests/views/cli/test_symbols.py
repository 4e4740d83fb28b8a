"""``coresnap symbols``: what a core needs, fetching it, and keeping it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.elfcore.elffile import open_elf
from coresnap.views.cli.main import main
from debuginfod_server import FakeServer, debian_server, serving

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as fake:
        yield fake


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(tmp_path / "cache"))
    monkeypatch.delenv("DEBUGINFOD_URLS", raising=False)


@pytest.fixture
def built(compile_program: CompileProgram) -> Path:
    return compile_program("inlines.c", "-g", "-O1", "-Wl,--build-id=sha1")


@pytest.fixture
def core(built: Path, kernel_core: KernelCore, tmp_path: Path) -> Path:
    """Of a program that is stripped, and gone."""
    program = tmp_path / "program"
    shutil.copy(built, program)
    subprocess.run(["strip", program], check=True)
    core = kernel_core([program])
    program.rename(tmp_path / "stripped")
    return core


def build_id(program: Path) -> str:
    return str(open_elf(program).build_id)


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["symbols", *words, "--json"]) == 0
    modules = json.loads(capsys.readouterr().out)
    (program,) = [m for m in modules if m["path"].endswith("/program")]
    found: dict[str, object] = program
    return found


@pytest.mark.core_pattern
def test_what_is_missing_is_listed(
    core: Path, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = listed(capsys, "list", str(core))
    assert program["build_id"] == build_id(built)
    assert (program["file"], program["debug_file"]) == (None, None)
    assert program["missing"] == [
        {"build_id": build_id(built), "kind": "executable"},
        {"build_id": build_id(built), "kind": "debuginfo"},
    ]
    main(["symbols", "list", str(core)])
    text = capsys.readouterr().out
    assert "executable  missing\n  debug info  missing\n" in text
    assert "1 of them lack something" in text


@pytest.mark.core_pattern
def test_what_was_fetched_is_there_for_the_analysis_that_follows(
    core: Path,
    built: Path,
    server: FakeServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.serve(build_id(built), "executable", (tmp_path / "stripped").read_bytes())
    server.serve(build_id(built), "debuginfo", built.read_bytes())
    store = str(tmp_path / "store")
    words = ("fetch", str(core), "--debuginfod", server.url, "--into", store)
    program = listed(capsys, *words)
    cache = tmp_path / "cache" / build_id(built)
    assert program["file"] == str(cache / "executable")
    assert program["debug_file"] == str(cache / "debuginfo")
    assert program["missing"] == []
    # What the store has needs no server any more.
    assert main(["analyze", str(core), "--symbols", store, "--json"]) == 0
    snapshot = json.loads(capsys.readouterr().out)
    assert snapshot["threads"][0]["frames"][0]["file"].endswith("inlines.c")
    (module,) = [m for m in snapshot["modules"] if m["path"].endswith("/program")]
    assert module["debug_file"].startswith(store)


@pytest.mark.core_pattern
def test_an_analysis_asks_the_servers_it_is_told_and_no_other(
    core: Path,
    built: Path,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DEBUGINFOD_URLS", server.url)
    assert main(["analyze", str(core), "--no-debuginfod", "--json"]) == 0
    assert server.asked == []
    capsys.readouterr()
    server.serve(build_id(built), "executable", built.read_bytes())
    assert main(["analyze", str(core), "--json"]) == 0
    snapshot = json.loads(capsys.readouterr().out)
    assert snapshot["threads"][0]["frames"][0]["file"].endswith("inlines.c")
    asked = [path for path in server.asked if build_id(built) in path]
    assert sorted(asked) == sorted(
        f"/buildid/{build_id(built)}/{kind}" for kind in ("executable", "debuginfo")
    )


@pytest.mark.core_pattern
def test_an_analysis_with_debian_s_server_is_as_good_as_one_with_all_files_here(
    core: Path, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (tmp_path / "stripped").rename(served / "program")
    debug = str(served / "program.debug")
    subprocess.run(["objcopy", "--only-keep-debug", str(built), debug], check=True)
    with debian_server(served) as url:
        words = ["--debuginfod", url, "--json"]
        assert main(["analyze", str(core), *words]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert main(["analyze", str(core), str(built), "--json"]) == 0
    here = json.loads(capsys.readouterr().out)
    frames = fetched["threads"][0]["frames"]
    assert str(frames[0]["file"]).endswith("inlines.c")
    # The program itself has the name of its file, and its time: no source with a copy.
    for frame in [*frames, *here["threads"][0]["frames"]]:
        frame.pop("source", None)
        frame.pop("source_start", None)
    assert frames == here["threads"][0]["frames"]


def test_build_ids_are_fetched_without_a_core(
    built: Path,
    server: FakeServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.serve(build_id(built), "executable", built.read_bytes())
    words = ["symbols", "fetch", "--debuginfod", server.url]
    assert main([*words, "--build-id", build_id(built)]) == 0
    text = capsys.readouterr().out
    assert f"executable: {tmp_path}/cache/{build_id(built)}/executable" in text
    assert "debuginfo: http" in text
    assert "not there (404)" in text
    assert main([*words, "--build-id", "ab" * 20]) == 66


def test_files_are_added_by_what_they_are(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, separate = tmp_path / "program", tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", built, separate], check=True)
    subprocess.run(["strip", "-o", program, built], check=True)
    store = tmp_path / "store"
    assert main(["symbols", "add", str(store), str(program), str(separate)]) == 0
    name = f"{store}/.build-id/{build_id(built)[:2]}/{build_id(built)[2:]}"
    assert capsys.readouterr().out == f"{name}\n{name}.debug\n"
    assert Path(name).read_bytes() == program.read_bytes()
    assert Path(f"{name}.debug").read_bytes() == separate.read_bytes()
    # One that was not stripped is both.
    assert main(["symbols", "add", str(store), str(built)]) == 0
    assert Path(f"{name}.debug").read_bytes() == built.read_bytes()


def test_a_file_without_a_build_id_is_refused(
    compile_program: CompileProgram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = compile_program("inlines.c", "-Wl,--build-id=none")
    assert main(["symbols", "add", str(tmp_path), str(program)]) == 65
    assert "has no build-id" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["add", "directory"],
        ["list", "core", "--into", "directory"],
        ["fetch", "core", "--build-id", "abcdef"],
        ["fetch", "core"],
        ["fetch", "--build-id", "../../etc", "--debuginfod", "http://host"],
        ["fetch", "core", "--debuginfod", "file:///etc"],
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    assert main(["symbols", *words]) == 2
