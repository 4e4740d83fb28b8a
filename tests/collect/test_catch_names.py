"""coresnap-catch on filesystems where a file must have a name from the start."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import catcher as catching
from catcher import Catcher, Caught
from conftest import CompileProgram
from coresnap.collect.temporary_file import PREFIX
from waiting import wait_in_core

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


def keep(catcher: Catcher, rung: str, program: Path) -> Caught:
    catcher.write_settings(keep=rung)
    return catcher.catch([program])


@pytest.fixture
def named_files() -> Iterator[Catcher]:
    """A spool that is like one on NFS: files must have a name from the start.

    The flag is built as O_DIRECTORY, which is what such kernels and filesystems see.
    """
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        flag = "-D__O_TMPFILE=__O_DIRECTORY"
        program = catching.build(Path(directory) / "catch", "-O2", flag)
        with catching.catcher(program, Path(directory)) as result:
            yield result


def test_a_spool_where_files_must_have_names_works_as_well(
    named_files: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0")
    for rung in ("full", "stacks", "notes"):
        caught = keep(named_files, rung, program)
        assert caught.capture["rung"] == rung
        assert caught.core.stat().st_nlink == 1
    assert keep(named_files, "record", program).capture["rung"] == "record"
    names = {path.name for path in named_files.spool.glob("*/*")}
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_where_files_must_have_names_they_are_those_of_unfinished_ones(
    named_files: Catcher, child: subprocess.Popen[bytes]
) -> None:
    named_files.write_settings(fetch="pipe")
    with wait_in_core(named_files, child.pid) as helper:
        assert re.fullmatch("[0-9a-f]{32}", helper.archive.name)
        (core,) = (named_files.spool / "pending").iterdir()
        assert core.name.startswith(PREFIX)
        helper.process.send_signal(signal.SIGTERM)
        assert helper.finish() == 0
        (core,) = (named_files.spool / "pending").iterdir()
        assert core.name == helper.archive.name
