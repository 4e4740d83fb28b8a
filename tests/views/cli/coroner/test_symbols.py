"""``coroner symbols``: files are sent, listed, missed and removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from coresnap.store.symbols.symbol_file import read_symbol_file

from .bench import Coroner

EX_DIFFERENT, EX_USAGE, EX_DATAERR, EX_NOINPUT = 1, 2, 65, 66
WORDS = ("symbols", "blackhole")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable with a build-id, small enough to be sent often."""
    for name in ("/bin/true", "/usr/bin/true"):
        if Path(name).exists():
            below = tmp_path / "build" / "bin"
            below.mkdir(parents=True)
            return Path(shutil.copy(name, below))
    pytest.skip("there is no /bin/true")


def test_a_directory_stands_for_the_elf_files_below_it(
    coroner: Coroner, program: Path, tmp_path: Path
) -> None:
    with program.open("rb") as stream:
        build_id = read_symbol_file(stream).build_id
    (program.parent / "README").write_text("no symbols")
    directory = str(tmp_path / "build")

    said = coroner.run(*WORDS, directory)
    assert said == (
        f"{program}: executable of {build_id[:20]}; 0 faults missed it and are read "
        "again\n"
    )
    assert coroner.run(*WORDS, directory).endswith(", there already\n")
    assert build_id[:20] in coroner.run(*WORDS, "--list")
    assert coroner.json(*WORDS, "--remove", build_id) == {"removed": build_id}
    assert coroner.json(*WORDS, "--list")["symbols"] == []
    coroner.run(*WORDS, "--remove", build_id, code=EX_NOINPUT)


def test_a_file_that_is_refused_keeps_none_of_the_others_from_being_sent(
    coroner: Coroner, program: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"\x7fELF and nothing else")
    answer = coroner.answer(*WORDS, "--json", str(bad), str(program))
    refused, sent = map(json.loads, answer.output.splitlines())
    assert answer.code == EX_DATAERR
    assert refused["error"]["exit_code"] == EX_DATAERR
    assert (sent["file"], sent["kind"]) == (str(program), "executable")
    missing = str(tmp_path / "missing")
    assert coroner.answer(*WORDS, str(bad), missing).code == EX_DIFFERENT


def test_what_makes_no_sense_is_said(coroner: Coroner, program: Path) -> None:
    said = coroner.run(*WORDS, "--list", str(program), code=EX_USAGE)
    assert "exclude each other" in said
    (program.parent / "empty").mkdir()
    said = coroner.run(*WORDS, str(program.parent / "empty"), code=EX_USAGE)
    assert "no ELF file" in said
    assert coroner.run(*WORDS) == "no fault misses symbols\n"
