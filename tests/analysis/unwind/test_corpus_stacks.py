"""Stacks of other machines' cores: what the oracles agree on, and damaged cores."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import CORPUS, Corpus
from coresnap.analysis.symbols import SymbolTable
from coresnap.analysis.unwind.unwinder import Stack, Unwinder
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.errors import CoreFormatError
from coresnap.model import Trust, UnwindEnd

pytestmark = pytest.mark.corpus


def _expected() -> list[dict[str, Any]]:
    path = CORPUS / "linux" / "expected.json"
    if not path.exists():
        return []
    cores: list[dict[str, Any]] = json.loads(path.read_text())["cores"]
    return cores


def _names(core: CoreFile, stack: Stack) -> list[str | None]:
    tables = {m.start: SymbolTable(m.elf) for m in core.modules if m.elf is not None}
    names: list[str | None] = []
    for frame in stack.frames:
        table = tables.get(frame.module.start) if frame.module else None
        module = frame.module
        found = (
            table.find(frame.lookup_pc - module.load_bias)
            if table is not None and module is not None
            else None
        )
        names.append(found.name if found else None)
    return names


# Oracles print DWARF names: demangled, without what the optimiser appended, and for
# glibc the name in its source.
SPELLINGS = {
    "_Z2fui": "fu",
    "_Z7cxxfunci": "cxxfunc",
    "__qsort_r": "qsort_r",
    "__libc_pause": "pause",
    "__clone": "clone",
}
INLINED = {"fubar", "foobar", "bar", "foo"}


def _spelled(name: str | None) -> str | None:
    if name is None:
        return None
    name = name.removesuffix(".constprop.0").removesuffix(".0")
    return SPELLINGS.get(name, name)


@pytest.mark.parametrize("facts", _expected(), ids=lambda facts: facts["file"])
def test_functions_are_those_that_all_oracles_agree_on(
    corpus: Corpus, facts: dict[str, Any]
) -> None:
    companions = [corpus.path(f"linux/{c['file']}") for c in facts["companions"]]
    inlines = "dwarfinlines" in facts["file"]
    with open_core(
        corpus.path(f"linux/{facts['file']}"),
        executable=companions[0] if companions else None,
    ) as core:
        unwinder = Unwinder(core)
        for thread in core.threads:
            agreed = facts["stacks"][str(thread.tid)]["agreed"]
            if inlines:
                agreed = [name for name in agreed if name not in INLINED]
            agreed = [name.removesuffix(".0") if name else name for name in agreed]
            stack = unwinder.unwind(thread.registers)
            assert stack.frames
            found = [_spelled(name) for name in _names(core, stack)]
            assert found[: len(agreed)] == agreed, thread.tid


PROGRAM = {"leaf", "rec", "cmp", "main", "idle"}
GENERATED = [f for f in _expected() if f["file"].startswith("qemu-user-generated/")]
# Libc is not here. On i386 the core holds its text; AArch64's and Power's chains
# need none; on the others its frames between cmp and main are lost but for one.
STATIC = [facts for facts in GENERATED if "static" in facts["file"]]
LOST_LIBC = {"arm-O0-pie", "arm-O2-pie", "s390x-O0-pie", "s390x-O2-pie"}
COMPLETE = {UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS}


def _generated(
    corpus: Corpus, facts: dict[str, Any]
) -> tuple[list[Stack], list[list[str | None]]]:
    base = corpus.path(f"linux/{facts['companions'][0]['file']}")
    with open_core(corpus.path(f"linux/{facts['file']}"), executable=base) as core:
        unwinder = Unwinder(core)
        stacks = [unwinder.unwind(t.registers) for t in core.threads]
        return stacks, [[_spelled(n) for n in _names(core, s)] for s in stacks]


@pytest.mark.parametrize("facts", GENERATED, ids=lambda facts: facts["file"])
def test_all_frames_that_the_source_says_are_found(
    corpus: Corpus, facts: dict[str, Any]
) -> None:
    """Those of the program itself by name, those of libc between them by number.

    On s390x leaf keeps its caller's stack pointer in a floating-point register, which
    qemu does not dump: gdb, eu-stack and drgn end there. The ABI and the code tell it.
    """
    name = Path(facts["file"]).stem.removesuffix(".core")
    (crashed, idle), (names, idle_names) = _generated(corpus, facts)
    depth = 4 if "-O0-" in name else 1
    own = [n for n in names if n in PROGRAM]
    assert own == ["leaf", *["rec"] * depth, "cmp", "main"]
    assert [n for n in idle_names if n in PROGRAM] == ["idle"]
    between = names.index("main") - names.index("cmp") - 1
    assert between >= (1 if name in LOST_LIBC else 3)
    assert 1 <= idle_names.index("idle") <= 2
    assert crashed.end in COMPLETE
    if "static" in name:
        assert idle_names[-2] == "start_thread"
        assert idle.end in COMPLETE


@pytest.mark.parametrize("facts", STATIC, ids=lambda facts: facts["file"])
def test_no_frame_of_a_static_program_is_a_guess(
    corpus: Corpus, facts: dict[str, Any]
) -> None:
    stacks, _ = _generated(corpus, facts)
    trusts = {f.trust for s in stacks for f in s.frames}
    assert trusts <= {Trust.CONTEXT, Trust.CFI, Trust.PROLOGUE}


def test_a_module_without_a_file_is_unwound_by_the_cores_own_bytes(
    corpus: Corpus,
) -> None:
    """The i386 core holds libc's text: main is found through frames without names."""
    base = "linux/qemu-user-generated/i386-O2-pie"
    with open_core(corpus.path(f"{base}.core"), executable=corpus.path(base)) as core:
        stack = Unwinder(core).unwind(core.threads[0].registers)
        names = _names(core, stack)
        assert names.index("main") > names.index("cmp") + 1
        assert {f.trust for f in stack.frames} == {Trust.CONTEXT, Trust.CFI}
        assert stack.end is UnwindEnd.OUTERMOST


# Without inlined frames, without the frames that gdb and drgn invent behind main.
LEAST_FRAMES = {
    "fuzz-notes-2": 1,
    "loads-overlap": 1,
    "sp-wild": 1,
    "sp-zero": 1,
    "stack-selfloop": 1,
    "stack-smashed": 1,
    "stack-zeroed": 1,
    "trunc-first-load": 1,
    "trunc-half": 1,
    "fuzz-notes-4": 1,
}
NOTHING_LEFT = {"empty", "one-byte", "trunc-ehdr", "trunc-phdrs", "trunc-notes"}


def test_damaged_cores_keep_their_frames(corpus: Corpus, tmp_path: Path) -> None:
    base = corpus.path("linux/elfutils/testfiledwarfinlines.core")
    script = CORPUS / "linux" / "mkcorrupt" / "mkcorrupt.py"
    subprocess.run(
        [sys.executable, "-B", script, base, tmp_path], check=True, capture_output=True
    )
    executable = corpus.path("linux/elfutils/testfiledwarfinlines")
    with (CORPUS / "linux" / "mkcorrupt" / "PEERS.tsv").open() as peers:
        names = [row["mutation"] for row in csv.DictReader(peers, delimiter="\t")]
    for name in names[1:]:
        path = tmp_path / f"{base.stem}.{name}.core"
        try:
            core = open_core(path, executable=executable)
        except CoreFormatError:
            assert name in NOTHING_LEFT
            continue
        with core:
            stacks = [Unwinder(core).unwind(t.registers) for t in core.threads]
        count = len(stacks[0].frames) if stacks else 0
        if name in NOTHING_LEFT:
            assert count == 0, name
        else:
            assert LEAST_FRAMES.get(name, 2) <= count <= 4, name
