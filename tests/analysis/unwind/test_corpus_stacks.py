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


def test_complete_stacks_of_static_programs_end_as_complete(corpus: Corpus) -> None:
    base = "linux/qemu-user-generated"
    for name in ("aarch64-O0-static", "aarch64-O2-static", "i386-O2-static"):
        with open_core(
            corpus.path(f"{base}/{name}.core"),
            executable=corpus.path(f"{base}/{name}"),
        ) as core:
            unwinder = Unwinder(core)
            stacks = [unwinder.unwind(t.registers) for t in core.threads]
            assert {s.end for s in stacks} == {UnwindEnd.OUTERMOST}
            trusts = {f.trust for s in stacks for f in s.frames}
            assert trusts == {Trust.CONTEXT, Trust.CFI}
            assert "main" in _names(core, stacks[0])


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
