"""``coresnap import``: what it prints, its exit codes, and what becomes of the core."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.collect.spool import Spool
from foreigncores import small_core
from shortpath import short_directory

from .operations import Bench, make_bench


@pytest.fixture
def core(tmp_path: Path) -> Path:
    path = tmp_path / "core"
    path.write_bytes(small_core())
    return path


def test_an_import_names_the_archive_and_says_what_comes_next(
    bench: Bench, core: Path
) -> None:
    answer = bench.run("import", str(core))

    assert answer.code == 0, answer.error
    with Spool(bench.config.spool) as spool:
        (archive,) = spool.archives()
    assert answer.output.startswith(f"{archive.id}  imported: {core} (")
    assert "1 imported, 0 known already\n" in answer.output
    assert "coresnap retry pending/ID" in answer.output


def test_a_second_import_is_no_failure(bench: Bench, core: Path) -> None:
    bench.run("import", str(core))

    answer = bench.run("import", str(core))

    assert answer.code == 0
    assert "known already" in answer.output
    assert "0 imported, 1 known already\n" in answer.output
    assert "retry" not in answer.output


def test_the_first_failure_decides_the_code_and_the_others_are_imported(
    bench: Bench, core: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("hello")

    answer = bench.run("import", str(text), str(tmp_path / "no"), str(core))

    assert answer.code == 65
    assert f"coresnap: {text} is neither a core" in answer.error
    assert "no file at" in answer.error
    assert "1 imported, 0 known already, 2 failed\n" in answer.output


def test_what_a_directory_holds_besides_cores_is_skipped(
    bench: Bench, core: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    answer = bench.run("import", str(tmp_path))

    assert answer.code == 0
    assert "skipped: " in answer.output
    assert "1 imported, 0 known already, 1 skipped\n" in answer.output


def test_json_is_an_object_per_core(bench: Bench, core: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")

    answer = bench.run("import", "--json", str(core), str(text))

    first, second = map(json.loads, answer.output.splitlines())
    assert first["result"] == "imported"
    assert first["format"] == "core"
    assert first["source"] == str(core)
    assert first["size"] == core.stat().st_size
    assert first["truncated"] is False
    assert second["result"] == "failed"
    assert second["error"]["exit_code"] == answer.code == 65


def test_names_are_printed_without_what_they_could_do_to_a_terminal(
    bench: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "core\x1b[2J"
    path.write_bytes(small_core())

    answer = bench.run("import", str(path))

    assert answer.code == 0
    assert "\x1b" not in answer.output


def test_an_unknown_source_is_a_usage_error(bench: Bench, core: Path) -> None:
    answer = bench.run("import", "--from", "abrt", str(core))

    assert answer.code == 2
    assert "apport" in answer.error


def test_watching_a_file_is_a_usage_error(bench: Bench, core: Path) -> None:
    assert bench.run("import", "--watch", str(core)).code == 2


def test_without_a_spool_it_says_who_creates_it(
    capsys: pytest.CaptureFixture[str], core: Path
) -> None:
    with short_directory() as directory:
        bench = make_bench(directory, capsys)

        answer = bench.run("import", str(core))

    assert answer.code == 66
    assert "coresnap install" in answer.error


@pytest.mark.root
@pytest.mark.core_pattern
@pytest.mark.compiler
def test_an_imported_core_is_analysed_like_one_that_was_caught(
    bench: Bench,
    kernel_core: KernelCore,
    compile_program: CompileProgram,
) -> None:
    core = kernel_core([compile_program("simple.c", "-g", "-O0")])
    (archive_id,) = imported_ids(bench, core)

    answer = bench.run("retry", f"pending/{archive_id}")

    assert answer.code == 0, answer.error
    shown = bench.run("show", archive_id, "--json").json
    assert shown["attributes"]["application"] == "simple"
    assert shown["attributes"]["capture.way"] == "import"
    assert shown["signal"]["name"] == "SIGSEGV"
    assert [note for note in shown["notes"] if note["step"].startswith("check.")] == []
    assert "imported" not in bench.run("import", str(core), "--json").output
    assert os.path.exists(core)


def imported_ids(bench: Bench, *paths: Path) -> list[str]:
    answer = bench.run("import", "--json", *map(str, paths))
    assert answer.code == 0, answer.error
    return [json.loads(line)["id"] for line in answer.output.splitlines()]


def test_watching_imports_what_comes_and_ends_when_it_is_interrupted(
    bench: Bench, core: Path
) -> None:
    words = ["--config", str(bench.source), "import", "--watch", "--json"]
    code = "import sys; from coresnap.views.cli.process import run_process as run"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; sys.exit(run())", *words, str(core.parent)],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)

    assert line["result"] == "imported"
    assert line["source"] == str(core)
    assert process.returncode == 130
