"""Whatever a message buffer holds, there is a snapshot of it that can be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kernel_panics as panics
from coresnap.analysis.kernel.evidence import Evidence
from coresnap.analysis.kernel.snapshot import snapshot_of_kernel
from coresnap.elfcore.vmcore.dump_info import DumpInfo
from coresnap.snapshot.container import write_snapshot
from coresnap.snapshot.text import render

TEXTS = (
    panics.PROTECTION_FAULT,
    panics.PAGE_FAULT,
    panics.PAGE_FAULT_BY_STACK,
    panics.REDZONE,
    panics.MODIFIED,
    panics.MODIFIED_SINCE_14,
    "Fatal data abort:\n" + panics.DATA_ABORT,
)


def stays_whole(text: str, directory: Path, info: DumpInfo | None = None) -> None:
    evidence = Evidence("FreeBSD", "minidump", "x86-64", info or DumpInfo(), text)
    snapshot = snapshot_of_kernel(evidence)
    assert not [note for note in snapshot.notes if note.step.startswith("kernel.")]
    assert write_snapshot(snapshot, directory / "x.csnap") > 0
    assert render(snapshot)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 40)))
        new = draw(st.text("0f9 x()+@=,\n\t\x00\x7fé", max_size=30))
        text = text[:at] + new + text[end:]
    return text


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(damaged())
def test_damaged_texts(tmp_path: Path, text: str) -> None:
    stays_whole(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "panic: \n",
        "panic: " + "x" * 100_000,
        "panic: Memory modified after free 0xffffffffffffffff (9, z) + 9999999999 = 1",
        "panic: x\n" + "lock order reversal:\n" * 1000,
        "Fatal trap 12: page fault while in kernel mode\n"
        "fault virtual address = 0xffffffffffffffff\n"
        "current process = 9999999999 ()\n",
        "REDZONE: Buffer overflow detected. 1 byte corrupted after 0x1 "
        "(1 bytes allocated).\n" * 500,
        "\ud800panic: \udfff\n",
    ],
)
def test_hostile_texts(text: str, tmp_path: Path) -> None:
    stays_whole(text.encode("utf-8", "backslashreplace").decode(), tmp_path)
