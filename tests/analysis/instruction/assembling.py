"""Assembles instructions, and asks others what they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from coresnap.analysis.instruction.disassembler import Disassembler, open_disassembler
from coresnap.analysis.instruction.library import load_library
from coresnap.elfcore.registers import ARCHITECTURES, Architecture

__all__ = ["Assembler", "architecture", "disassembler"]

_LINE = re.compile(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{2,8} ?)+)\s*\t(.*)")


@attrs.frozen
class Assembler:
    """A toolchain's assembler and its objdump."""

    assemble: Sequence[str]
    objcopy: str
    objdump: Sequence[str]
    prologue: str = ""

    def code(self, lines: Sequence[str], directory: Path) -> list[tuple[bytes, str]]:
        """Code of each line and what objdump says it is; skips without the tools."""
        for tool in (self.assemble[0], self.objdump[0]):
            if shutil.which(tool) is None:
                pytest.skip(f"not installed: {tool}")
        source, binary = directory / "lines.s", directory / "lines.o"
        labelled = [f"l{n}: {line}" for n, line in enumerate(lines)]
        source.write_text("\n".join([self.prologue, *labelled, ""]))
        subprocess.run([*self.assemble, "-o", binary, source], check=True)
        listing = subprocess.run(
            [*self.objdump, "-d", binary], capture_output=True, text=True, check=True
        )
        raw = directory / "lines.bin"
        subprocess.run(
            [self.objcopy, "-O", "binary", "-j", ".text", binary, raw], check=True
        )
        code, found = raw.read_bytes(), []
        starts = [
            (int(m[1], 16), m[3].partition("#")[0].partition("//")[0].strip())
            for m in map(_LINE.fullmatch, listing.stdout.splitlines())
            if m is not None and m[3]
        ]
        ends = [start for start, _ in starts[1:]] + [len(code)]
        for (start, text), end in zip(starts, ends, strict=True):
            found.append((code[start:end], text))
        assert len(found) == len(lines)
        return found


def architecture(name: str) -> Architecture:
    """The architecture of that name."""
    return next(a for a in ARCHITECTURES if a.name == name)


def disassembler(name: str) -> Disassembler:
    """A disassembler for it."""
    found = open_disassembler(load_library(), architecture(name))
    assert found is not None, load_library().problem
    return found
