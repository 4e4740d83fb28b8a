"""``coresnap resymbolize`` writes a snapshot again with the names it had not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.snapshot.container import read_snapshot, write_snapshot
from coresnap.views.cli.main import main

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


@pytest.fixture
def snapshot(
    tmp_path: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> Path:
    """Of a stripped program; what was stripped lies in ``symbols`` beside it."""
    built = compile_program("descends.cc", "-g", "-O1")
    program, symbols = tmp_path / "descends", tmp_path / "symbols"
    symbols.mkdir()
    debug = symbols / "descends.debug"
    subprocess.run(["objcopy", "--only-keep-debug", built, debug], check=True)
    subprocess.run(["strip", "-s", built, "-o", program], check=True)
    snapshot = tmp_path / "fault.csnap"
    write_snapshot(coresnap.analyze(kernel_core([program])), snapshot)
    program.unlink()
    return snapshot


def test_a_snapshot_is_written_again_with_names(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    symbols, output = snapshot.parent / "symbols", snapshot.parent / "named.csnap"
    words = ["resymbolize", str(snapshot), "--symbols", str(symbols)]

    assert main([*words, "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "more frames have a name; fingerprint " in printed
    assert read_snapshot(output).callstack == ("both", "descend", "main")
    assert main(words) == 0
    assert "descend (node=" in capsys.readouterr().out


def test_nothing_is_written_where_the_files_add_nothing(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    symbols, named = snapshot.parent / "symbols", snapshot.parent / "named.csnap"
    output = snapshot.parent / "again.csnap"
    words = ["--symbols", str(symbols), "-o"]
    main(["resymbolize", str(snapshot), *words, str(named)])
    capsys.readouterr()

    assert main(["resymbolize", str(named), *words, str(output)]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert not output.exists()
