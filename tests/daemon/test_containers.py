"""A crash in a container, whose files go with it, becomes a snapshot with names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from catcher import Catcher
from conftest import CompileProgram
from containers import HOSTNAME, LIBRARY, PROGRAM, build_image, crash_contained
from coresnap.model import Snapshot
from pipelines import analysed

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.root,
    pytest.mark.libdw,
]


def contained_snapshot(
    catcher: Catcher, compile_program: CompileProgram, directory: Path
) -> Snapshot:
    image = build_image(compile_program, directory)
    root = directory / "root"
    root.mkdir()
    with catcher.registered():
        crash_contained(image, root)
        catcher.wait()
    shutil.rmtree(image)
    _, snapshot = analysed(catcher, directory)
    return snapshot


@pytest.mark.parametrize("rung", ["full", "stacks"])
def test_a_container_s_crash_has_names_and_lines(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path, rung: str
) -> None:
    catcher.write_settings(keep=rung)
    snapshot = contained_snapshot(catcher, compile_program, tmp_path)

    frames = snapshot.threads[0].frames
    assert [frame.function for frame in frames[:2]] == ["sink", "main"]
    assert [Path(frame.file or "").name for frame in frames[:2]] == [
        "contained_library.c",
        "contained.c",
    ]
    modules = {module.path: module for module in snapshot.modules}
    for path in (PROGRAM, LIBRARY):
        file = modules[path].file
        assert file is not None
        assert file.startswith("assets:modules/")
        assert modules[path].problem is None
    known = snapshot.attributes
    assert known["container.namespaces"] == "ipc mnt pid user uts"
    assert known["container.hostname"] == HOSTNAME
    assert isinstance(known["container.pid"], int)
    texts = [*map(str, snapshot.modules), *map(str, snapshot.notes)]
    assert not any("/proc/self/fd" in text for text in texts)


def test_without_copies_only_names_in_the_core_s_own_pages_are_left(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    catcher.write_settings(modules="no")
    snapshot = contained_snapshot(catcher, compile_program, tmp_path)

    # An exported function of a library so small that its first page has its symbols.
    frame = snapshot.threads[0].frames[0]
    assert (frame.function, frame.file) == ("sink", None)
    (module,) = [m for m in snapshot.modules if m.path == LIBRARY]
    assert module.file is None
