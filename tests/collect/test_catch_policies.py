"""What the administrator says of one program holds for it, and for no other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from catcher import Catcher
from conftest import CompileProgram

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


@pytest.fixture
def programs(compile_program: CompileProgram, catcher: Catcher) -> tuple[Path, Path]:
    """One program under two names: ``bank`` has a rule, ``other`` has none."""
    built = compile_program("full_memory.c", "-O0", "-g")
    found = catcher.directory / "bank", catcher.directory / "other"
    for path in found:
        shutil.copy(built, path)
    return found


def environment(catcher: Catcher, program: Path) -> set[bytes]:
    env = {"PATH": "/bin", "LANG": "C", "BANK_PIN": "canary-1f4c"}
    caught = catcher.catch([program], env=env)
    kept = set(caught.members["process/environ"].split(b"\0")) - {b""}
    assert not any(b"canary" in member for member in caught.members.values())
    return kept


def test_a_program_may_be_held_less_long_than_others(
    catcher: Catcher, programs: tuple[Path, Path]
) -> None:
    bank, other = programs
    catcher.write_settings(budget="0", rule="*/bank\tbudget=1")

    caught = catcher.catch([bank, "256"]).capture
    assert (caught["rung"], caught["rung_reason"]) == ("stacks", "budget")
    assert caught["budget"] == 1_000_000
    assert caught["parked"] > 0
    whole = catcher.catch([other, "64"]).capture
    assert (whole["rung"], whole["budget"]) == ("full", None)


def test_a_program_may_keep_less_of_its_environment_than_others(
    catcher: Catcher, programs: tuple[Path, Path]
) -> None:
    bank, other = programs
    catcher.write_settings(environ="PATH,LANG", rule="*/bank\tenviron=LANG")

    assert environment(catcher, bank) == {b"LANG=C"}
    assert environment(catcher, other) == {b"PATH=/bin", b"LANG=C"}


def test_a_name_that_a_process_gives_itself_changes_no_policy(
    catcher: Catcher, programs: tuple[Path, Path]
) -> None:
    bank, other = programs
    catcher.write_settings(keep="notes", rule=f"{bank}\tkeep=full")
    # The first argument and a link's name are the caller's; the file is not.
    link = bank.parent / "link"
    link.symlink_to(other)

    disguised = catcher.catch(["bash", "-c", f"exec -a {bank} {link}"])
    assert disguised.crash["path"] == os.fspath(other)
    assert disguised.capture["rung"] == "notes"
    assert catcher.catch([bank]).capture["rung"] == "full"
