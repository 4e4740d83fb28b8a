"""Secrets of a process, and each place that may, or may not, hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

import coresnap
from catcher import Catcher
from conftest import CompileProgram
from coresnap.snapshot.container import read_snapshot, write_snapshot

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.root]

ENVIRONMENT = b"environ-canary-4711"
REGISTER = b"register-canary-"
EXCLUDED = b"excluded-canary-"
UNTOUCHED = b"stays-canary-in-"
CANARIES = {ENVIRONMENT, REGISTER, EXCLUDED, UNTOUCHED}

HELD = {
    # Whatever the process had and did not exclude, registers included.
    "full": {ENVIRONMENT, REGISTER, UNTOUCHED},
    # The environment lies at the end of the stack.
    "stacks": {ENVIRONMENT, REGISTER},
    # The notes are the registers.
    "notes": {REGISTER},
}
"""What the cores of each rung are known to hold."""
UNSURE = {"full": set[bytes](), "stacks": set[bytes](), "notes": {ENVIRONMENT}}
"""What they may hold: the vector registers have what libc has looked at last."""


@pytest.mark.parametrize("rung", HELD)
def test_a_core_holds_what_its_rung_promises_and_all_else_holds_nothing(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path, rung: str
) -> None:
    program = compile_program("canaries.c", "-g", "-O0")
    catcher.write_settings(keep=rung)
    env = {"TOKEN": ENVIRONMENT.decode(), "PATH": "/bin"}
    caught = catcher.catch([program], env=env)
    assert caught.capture["rung"] == rung

    core = caught.core.read_bytes()
    found = {canary for canary in CANARIES if canary in core}
    assert found - UNSURE[rung] == HELD[rung]
    for name, content in caught.members.items():
        assert not [canary for canary in CANARIES if canary in content], name
    kept = everything_in_a_snapshot(caught.core, caught.members, tmp_path)
    assert not [canary for canary in CANARIES if canary in kept]
    assert b"canaries" in kept
    assert b"PATH=/bin" in kept


def everything_in_a_snapshot(
    core: Path, assets: dict[str, bytes], directory: Path
) -> bytes:
    """Write a snapshot, and return all that can be read from it, not compressed."""
    with (directory / "snapshot").open("wb") as stream:
        write_snapshot(coresnap.analyze(core, assets=assets), stream.fileno())
    snapshot = read_snapshot(directory / "snapshot")
    memory = b"".join(piece.data for piece in snapshot.memory)
    members = b"".join(snapshot.assets.values())
    return b"".join([repr(snapshot).encode(), memory, members])
