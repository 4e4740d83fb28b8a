"""What a file that is sent as symbols says of itself."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CompileProgram
from coresnap.errors import InputError
from coresnap.store.symbols.symbol_file import SymbolFile, read_symbol_file

CURRENT = Path(sys.executable).resolve()


def read(path: Path) -> SymbolFile:
    with path.open("rb") as stream:
        return read_symbol_file(stream)


def build_id_by_readelf(path: Path) -> str:
    said = subprocess.run(
        ["readelf", "-n", path], capture_output=True, text=True, check=True
    ).stdout
    return next(
        line.split()[-1] for line in said.splitlines() if line.strip()[:5] == "Build"
    )


@pytest.mark.compiler
def test_executable_and_debug_file_are_told_apart_by_their_code(
    compile_program: CompileProgram, tmp_path: Path
) -> None:
    built = compile_program("descends.cc", "-g", "-O1")
    stripped, debug = tmp_path / "stripped", tmp_path / "debug"
    subprocess.run(["strip", "-s", built, "-o", stripped], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", built, debug], check=True)
    build_id = build_id_by_readelf(built)

    assert read(built) == SymbolFile(build_id, "executable", "EM_X86_64", True)
    assert read(stripped) == SymbolFile(build_id, "executable", "EM_X86_64", False)
    assert read(debug) == SymbolFile(build_id, "debuginfo", "EM_X86_64", True)


@pytest.mark.compiler
def test_a_file_without_a_build_id_is_refused_with_what_to_do(
    compile_program: CompileProgram,
) -> None:
    built = compile_program("descends.cc", "-O1", "-Wl,--build-id=none")

    with pytest.raises(InputError, match="has no build-id") as caught:
        read(built)
    assert "--build-id" in caught.value.remedy


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\0" * 4096])
def test_what_is_no_elf_file_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="no ELF file"):
        read_symbol_file(io.BytesIO(data))


@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_never_worse(data: st.DataObject) -> None:
    damaged = bytearray(CURRENT.read_bytes()[: 1 << 16])
    end = CURRENT.stat().st_size
    with CURRENT.open("rb") as stream:
        stream.seek(max(0, end - 8192))
        damaged += stream.read()
    for _ in range(data.draw(st.integers(1, 12))):
        # Headers and tables are what is trusted; they are at both ends.
        at = data.draw(st.sampled_from([*range(64), len(damaged) - 1 - 64]))
        damaged[at] = data.draw(st.integers(0, 255))

    try:
        found = read_symbol_file(io.BytesIO(bytes(damaged)))
    except InputError:
        return
    assert len(found.build_id) % 2 == 0
