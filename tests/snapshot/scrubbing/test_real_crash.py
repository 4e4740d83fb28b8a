"""Secrets of a program that really crashed do not leave with its snapshot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.daemon.scrubbing_program import LENGTH, Head
from coresnap.model import Snapshot
from coresnap.snapshot.container import open_snapshot, read_snapshot, write_snapshot
from coresnap.snapshot.json_form import to_bytes
from coresnap.snapshot.scrubbing.rules import Rules
from shortpath import short_directory

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

CANARIES = {
    "global": b"AKIA" + b"QYLPMN5HFZ7XT2WB",
    "stack": b"4111-1111-" + b"1111-1111",
    "heap": b"correct-horse" + b"-battery",
    "argument": b"hunter2" + b"-in-argv",
    "environment": b"hunter2" + b"-in-environ",
}


def everything(snapshot: Snapshot) -> bytes:
    """All that a snapshot holds: its JSON, and its memory as it is."""
    return to_bytes(snapshot) + b"".join(kept.data for kept in snapshot.memory)


@pytest.fixture(scope="module")
def snapshot(
    tmp_path_factory: pytest.TempPathFactory,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
) -> Path:
    built = compile_program("credentials.c", "-g", "-O0")
    argument = f"--password={CANARIES['argument'].decode()}"
    secret = {"DATABASE_PASSWORD": CANARIES["environment"].decode()}
    # The kernel keeps 80 bytes of the command line.
    with short_directory() as directory:
        program = directory / "s"
        shutil.copy(built, program)
        core = kernel_core([program, argument], env={**os.environ, **secret})
        path = tmp_path_factory.mktemp("secrets") / "whole.csnap"
        write_snapshot(coresnap.analyze(core), path)
    return path


def scrubbed(path: Path) -> tuple[Head, Path]:
    """What may leave, as the sender has it made."""
    rules = msgspec.json.encode(Rules()).decode()
    with path.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "coresnap.daemon.scrubbing_program", rules],
            stdin=stdin,
            capture_output=True,
            check=True,
            env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
    (size,) = LENGTH.unpack(done.stdout[: LENGTH.size])
    head = msgspec.json.decode(done.stdout[LENGTH.size :][:size], type=Head)
    target = path.with_name("scrubbed.csnap")
    target.write_bytes(done.stdout[LENGTH.size + size :])
    return head, target


def test_the_snapshot_on_the_machine_has_them(snapshot: Path) -> None:
    whole = everything(read_snapshot(snapshot))

    # The environment never gets into a snapshot.
    assert [name for name, canary in CANARIES.items() if canary not in whole] == [
        "environment"
    ]


def test_what_leaves_has_none_of_them(snapshot: Path) -> None:
    head, target = scrubbed(snapshot)
    left = everything(read_snapshot(target))

    assert [name for name, canary in CANARIES.items() if canary in left] == []
    assert {"key", "ccn", "url"} <= head.scrubbed.keys()


def test_what_leaves_is_as_good_a_snapshot(snapshot: Path) -> None:
    _, target = scrubbed(snapshot)
    whole, left = read_snapshot(snapshot), read_snapshot(target)

    assert left.fingerprint == whole.fingerprint
    assert left.classifiers == whole.classifiers
    assert [frame.function for frame in left.threads[0].frames] == [
        frame.function for frame in whole.threads[0].frames
    ]
    assert [(m.address, len(m.data)) for m in left.memory] == [
        (m.address, len(m.data)) for m in whole.memory
    ]
    with open_snapshot(target) as reader:
        reader.memory.check_blocks()
