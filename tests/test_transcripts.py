from __future__ import annotations

from pathlib import Path

import pytest

import coresnap
import kernel
from transcripts import SOURCES, TRANSCRIPTS, Transcript, build


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda one: one.name)
def test_the_program_of_a_transcript_still_has_the_functions_shown_there(
    transcript: Transcript, core_directory: Path
) -> None:
    if reason := transcript.why_not():
        pytest.skip(reason)
    directory = core_directory / transcript.name
    directory.mkdir()
    core = kernel.kernel_core(build(transcript, directory), directory)
    frames = coresnap.analyze(core).threads[0].frames
    names = iter([frame.short_name or frame.function for frame in frames])
    assert [name for name in transcript.functions if name not in names] == []


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda one: one.name)
def test_a_transcript_shows_the_functions_that_are_expected(
    transcript: Transcript,
) -> None:
    page = (SOURCES.parent / "transcripts.md").read_text()
    _, heading, section = page.partition(f"\n## {transcript.title}\n")
    assert heading
    shown = section.partition("\n## ")[0]
    assert [name for name in transcript.functions if f" {name}" not in shown] == []
