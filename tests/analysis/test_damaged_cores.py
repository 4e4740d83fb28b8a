"""Damaged cores become snapshots that can be written, and no step meets a surprise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CORPUS, Corpus
from coresnap.analysis.session import analyze
from coresnap.errors import CoreFormatError
from coresnap.snapshot.container import pack_snapshot
from coresnap.snapshot.text import render

BASES = {
    "lldb/linux-x86_64.core": "lldb/linux-x86_64.out",
    "elfutils/testfiledwarfinlines.core": "elfutils/testfiledwarfinlines",
    "elfutils/backtrace.x86_64.core": "elfutils/backtrace.x86_64.exec",
}
_SURPRISE = re.compile(
    r"(Overflow|Value|Type|Key|Index|Attribute|Assertion|Memory)Error"
)


@pytest.mark.corpus
@pytest.mark.libdw
@pytest.mark.parametrize("base", BASES)
def test_a_damaged_core_is_refused_or_analysed(
    base: str, corpus: Corpus, tmp_path: Path
) -> None:
    program = corpus.path(f"linux/{BASES[base]}")
    script = CORPUS / "linux" / "mkcorrupt" / "mkcorrupt.py"
    core = corpus.path(f"linux/{base}")
    command = [sys.executable, "-B", str(script), str(core), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    analysed = 0
    for path in sorted(tmp_path.iterdir()):
        try:
            snapshot = analyze(path, program)
        except CoreFormatError:
            continue
        surprises = [n for n in snapshot.notes if _SURPRISE.match(n.message)]
        assert surprises == [], path.name
        assert pack_snapshot(snapshot)
        assert render(snapshot)
        analysed += 1
    assert analysed > 40
