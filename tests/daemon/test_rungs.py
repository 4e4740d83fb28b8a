"""Each rung of the ladder, from a real crash to its snapshot by the daemon's stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from catcher import Catcher
from conftest import CompileProgram
from coresnap.collect.spool import Part
from pipelines import analysed

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.root,
    pytest.mark.libdw,
]


@pytest.fixture
def argv(compile_program: CompileProgram) -> Sequence[str | Path]:
    flags = ["-g", "-O0", "-D_GNU_SOURCE"]
    return [compile_program("deep.c", *flags, libraries=["-pthread"]), "3", "30"]


@pytest.mark.parametrize("rung", ["full", "stacks", "notes", "record"])
def test_every_rung_becomes_a_snapshot_that_says_what_it_was_made_from(
    catcher: Catcher, argv: Sequence[str | Path], tmp_path: Path, rung: str
) -> None:
    catcher.write_settings(keep=rung)
    caught = catcher.catch(argv)
    assert caught.core.exists() == (rung != "record")

    archive, snapshot = analysed(catcher, tmp_path)

    # No check failed, so the core is not needed any more.
    assert [n for n in snapshot.notes if n.step.startswith("check.")] == []
    assert not archive.has_core
    known = snapshot.attributes
    assert known["application"] == "deep"
    assert known["signal"] == "SIGSEGV"
    assert known["capture.rung"] == rung
    assert known.get("capture.rung.reason") == (None if rung == "full" else "policy")
    assert isinstance(known["capture.parked"], float)
    assert known["capture.parked"] > 0
    assert {thread.crashed for thread in snapshot.threads[:2]} == {True, False}
    frames = [len(thread.frames) for thread in snapshot.threads]
    if rung in ("full", "stacks"):
        assert max(frames) > 30
        assert min(frames) > 1
    assert all(frames) == any(frames) == (rung != "record")
    said = [note.message for note in snapshot.notes if note.step == "capture"]
    assert bool(said) == (rung != "full")


def test_a_lower_rung_is_a_lower_quality(
    catcher: Catcher, argv: Sequence[str | Path], tmp_path: Path
) -> None:
    qualities = []
    for rung in ("full", "stacks", "notes", "record"):
        catcher.write_settings(keep=rung)
        caught = catcher.catch(argv)
        directory = tmp_path / rung
        directory.mkdir()
        qualities.append(analysed(catcher, directory)[1].quality)
        for part in Part:
            (catcher.spool / part / caught.id).unlink(missing_ok=True)
        (catcher.spool / "sending").rmdir()

    assert qualities == sorted(qualities, reverse=True)
    assert len(set(qualities)) == 4
