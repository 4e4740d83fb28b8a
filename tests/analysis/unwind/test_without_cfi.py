"""Frames found without any CFI, against those that CFI gives: the share is printed.

CFI equals gdb (``test_kernel_stacks.py``). Without it each frame is found by code, by a
chain, or by a guess; of stripped programs not even the symbols are there.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import attrs
import pytest
from stacks import hide_cfi, hide_symbols

from conftest import CompileProgram, KernelCore
from coresnap.analysis.symbols import SymbolTable
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.elffile import open_elf
from coresnap.model import Trust

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler]

FLAGS = {
    "O0": ["-O0"],
    "O1": ["-O1"],
    "O2": ["-O2"],
    "O3": ["-O3"],
    "O2-frame-pointer": ["-O2", "-fno-omit-frame-pointer"],
    "O2-static": ["-O2", "-static"],
    "O2-stack-clash": ["-O2", "-fstack-clash-protection"],
    "O2-m32": ["-O2", "-m32"],
}
COMPILERS = ["gcc", "clang"]
CRASHES = [
    ("deep.c", ["2", "20"]),
    ("handler.c", []),
    ("handler.c", ["altstack"]),
    ("wildcall.c", ["library"]),
]


@attrs.define
class Share:
    """How many frames of how many were found, and how many more that are none."""

    frames: int = 0
    right: int = 0
    wrong: int = 0
    trusts: Counter[Trust] = attrs.field(factory=Counter)

    def add(self, truth: list[int], found: list[int]) -> None:
        blocks = SequenceMatcher(None, truth, found, autojunk=False)
        right = sum(block.size for block in blocks.get_matching_blocks())
        self.frames += len(truth)
        self.right += right
        self.wrong += len(found) - right

    def __str__(self) -> str:
        share = f"{self.right} of {self.frames} frames right, {self.wrong} wrong"
        trusts = ", ".join(f"{n} {t.value}" for t, n in self.trusts.most_common())
        return f"{share} ({self.right / self.frames:.2%}): {trusts}"


def _pcs(core: CoreFile, share: Share | None = None) -> list[list[int]]:
    unwinder = Unwinder(core)
    stacks = [unwinder.unwind(thread.registers) for thread in core.threads]
    if share is not None:
        share.trusts.update(frame.trust for s in stacks for frame in s.frames)
    return [[frame.pc for frame in stack.frames] for stack in stacks]


@pytest.fixture(scope="module")
def cores(compile_program: CompileProgram, kernel_core: KernelCore) -> list[Path]:
    """Cores of every program that the compilers here can make."""
    found = []
    for compiler in COMPILERS:
        if shutil.which(compiler) is None:
            continue
        for flags in FLAGS.values():
            probe = [compiler, *flags, "-xc", "-", "-o", "/dev/null"]
            source = b"int main(void) { return 0; }"
            if subprocess.run(probe, input=source, capture_output=True).returncode:
                continue
            for source_name, arguments in CRASHES:
                program = compile_program(
                    source_name, *flags, libraries=["-pthread"], compiler=compiler
                )
                found.append(kernel_core([program, *arguments]))
    return found


@pytest.mark.parametrize("stripped", [False, True], ids=["symbols", "stripped"])
def test_nearly_all_frames_are_found_without_cfi(
    cores: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stripped: bool,
) -> None:
    share = Share()
    for path in cores:
        with open_core(path) as core:
            truth = _pcs(core)
            with monkeypatch.context() as patch:
                hide_cfi(patch)
                if stripped:
                    hide_symbols(patch)
                for expected, found in zip(truth, _pcs(core, share), strict=True):
                    share.add(expected, found)
    with capsys.disabled():
        print(f"\nwithout CFI{' and symbols' if stripped else ''}: {share}")
    assert share.frames > 500
    assert share.right >= 0.99 * share.frames
    assert share.wrong <= 0.01 * share.frames
    assert share.trusts[Trust.CFI] == 0


MUSL = ["-O2", "-static", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]


@pytest.mark.parametrize(
    ("source", "arguments", "expected"),
    [
        ("handler.c", [], ["crash", "on_user", "outer", "main"]),
        ("nested.c", [], ["main"]),
    ],
)
def test_a_stripped_static_musl_program_keeps_its_frames(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    source: str,
    arguments: list[str],
    expected: list[str],
) -> None:
    """Named by the copy that was not stripped; musl has no CFI at all."""
    if shutil.which("musl-gcc") is None:
        pytest.skip("not installed: musl-gcc")
    whole = compile_program(source, *MUSL, "-w", compiler="musl-gcc")
    stripped = tmp_path / whole.name
    subprocess.run(["strip", "-o", str(stripped), str(whole)], check=True)
    symbols = SymbolTable(open_elf(whole))
    with open_core(kernel_core([stripped, *arguments])) as core:
        stack = Unwinder(core).unwind(core.threads[0].registers)
    places = [f.lookup_pc - f.module.load_bias for f in stack.frames if f.module]
    found = [symbol.name for at in places if (symbol := symbols.find(at)) is not None]
    assert [n for n in dict.fromkeys(found) if n in expected] == expected
    assert Trust.CFI not in {frame.trust for frame in stack.frames}
