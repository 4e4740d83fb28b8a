"""native/catch/admission.c under test: the crashes and the clocks are the tests'."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from catcher import NATIVE, WARNINGS
from kernel import why_no_linux

SOURCE = Path(__file__).parent / "native" / "admission_driver.c"
PARTS = ("admission", "admission_table", "bucket", "process", "policy")
SECOND = 10**9
NONE = "0/1"
START = 1_800_000_000 * SECOND
"""UTC nanoseconds."""


def build(target: Path) -> Path:
    """Compile the handler's part; skips where there is no handler."""
    if reason := why_no_linux():
        pytest.skip(reason)
    sources = [str(NATIVE / "catch" / f"{part}.c") for part in PARTS]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    line = ["cc", *WARNINGS, "-O1", "-g", *sanitizers, str(SOURCE), *sources]
    subprocess.run([*line, "-o", str(target)], check=True)
    return target


@attrs.frozen
class Answer:
    """What was decided; ``error`` is 0 or -errno."""

    error: int
    admitted: bool
    counted: bool
    new: bool
    missed: int
    tell_daemon: bool
    tell_log: bool
    untold: int


@attrs.define
class Machine:
    """A machine on which programs crash. Every helper is a process of its own."""

    driver: Path
    table: Path
    own: str = NONE
    kinds: str = NONE
    all: str = NONE
    remember: int = 86400
    rung: int = 0
    boot: int = 1
    boottime: int = SECOND
    realtime: int = START

    def wait(self, seconds: float) -> None:
        self.boottime += int(seconds * SECOND)
        self.realtime += int(seconds * SECOND)

    def reboot(self, *, seconds: float = 60) -> None:
        """Start again; ``seconds`` is what the clock on the wall claims has passed."""
        self.boot += 1
        self.boottime = SECOND
        self.realtime += int(seconds * SECOND)

    def line(
        self, fault: int = 1, *, executable: int = 1, uid: int = 0, then: str = "decide"
    ) -> str:
        key = f"{fault} {executable} {uid}"
        return f"{then} {key} {self.boot} {self.boottime} {self.realtime}\n"

    @property
    def argv(self) -> list[str]:
        rates = [self.own, self.kinds, self.all]
        table = str(self.table)
        return [str(self.driver), table, *rates, str(self.remember), str(self.rung)]

    def ask(self, lines: Sequence[str]) -> list[Answer]:
        """Let one process ask all this."""
        run = subprocess.run(
            self.argv, input="".join(lines), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        answers = [[int(n) for n in line.split()] for line in run.stdout.splitlines()]
        assert len(answers) == len(lines)
        return [_answer(numbers) for numbers in answers]

    def crash(
        self,
        fault: int = 1,
        *,
        executable: int = 1,
        uid: int = 0,
        then: str | None = None,
    ) -> Answer:
        """Let a program crash; ``then`` is what is done about the decision."""
        lines = [self.line(fault, executable=executable, uid=uid)]
        if then is not None:
            lines.append(self.line(fault, executable=executable, uid=uid, then=then))
        return self.ask(lines)[0]

    def crashes(self, count: int, fault: int = 1, *, executable: int = 1) -> list[bool]:
        """Say of each whether it was admitted."""
        lines = [self.line(fault, executable=executable)] * count
        return [answer.admitted for answer in self.ask(lines)]


def _answer(numbers: list[int]) -> Answer:
    error, admitted, counted, new, missed, daemon, log, untold = numbers
    flags = (bool(admitted), bool(counted), bool(new))
    return Answer(error, *flags, missed, bool(daemon), bool(log), untold)
