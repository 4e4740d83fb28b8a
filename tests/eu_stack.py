"""What eu-stack says about a core, and when it is what we say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from coresnap.analysis.demangle.parameters import without_parameters
from coresnap.model import Frame

__all__ = ["EuFrame", "agrees_with_eu_stack", "eu_stack"]

EuFrame = tuple[int, str, str | None]
"""pc, function, ``file:line`` without directories."""


def eu_stack(
    program: Path, core: Path, *options: str, inlined: bool = True
) -> dict[int, list[EuFrame]]:
    """Frames by thread."""
    command = ["eu-stack", "-n", "0", "-s", f"--core={core}", "-e", str(program)]
    if inlined:
        command.append("-i")
    run = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False
    )
    threads: dict[int, list[EuFrame]] = {}
    for line in run.stdout.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = threads.setdefault(int(thread[1]), [])
        elif frame := re.match(r"#\d+\s+(0x[0-9a-f]+)(?: - \d+)? ?(.*)", line):
            frames.append((int(frame[1], 16), frame[2].strip(), None))
        elif place := re.match(r"\s+(?:.*/)?([^/:]+:\d+)(?::\d+)?$", line):
            frames[-1] = (*frames[-1][:2], place[1])
    return threads


def agrees_with_eu_stack(ours: Frame, other: EuFrame) -> bool:
    """Whether pc, function and line are the same, but for eu-stack's habits."""
    # eu-stack does not qualify names of functions that have no symbol, takes another
    # of several symbols at one address (__clone3), and gives code that no unit
    # describes (_start) the line of the code before it.
    name = without_parameters(other[1]).partition(".")[0].removeprefix("__")
    plain = str(ours.function).removeprefix("__")
    same_name = plain == name or plain.endswith(f"::{name}")
    return ours.pc == other[0] and same_name and _place(ours) in (None, other[2])


def _place(frame: Frame) -> str | None:
    if frame.file is None or frame.line is None:
        return None
    return f"{Path(frame.file).name}:{frame.line}"
