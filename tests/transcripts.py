"""The programs of docs/transcripts: how each is built, run, and read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from ctypes.util import find_library
from pathlib import Path

import attrs

__all__ = ["SOURCES", "TRANSCRIPTS", "Transcript", "build"]

SOURCES = Path(__file__).parent.parent / "docs" / "transcripts"
_PYTHON = "/usr/bin/python3"


@attrs.frozen
class Transcript:
    """One program, and the functions that its crash is known by."""

    name: str
    title: str
    about: str
    sources: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    functions: tuple[str, ...]
    """Short names that stand in this order in the crashed thread, others between."""

    def why_not(self) -> str | None:
        """Why this machine cannot build it; None if it can."""
        tools = {command[0] for command in (*self.commands, self.run[:1])}
        missing = sorted(t for t in tools if "/" not in t or t.startswith("/usr"))
        missing = [tool for tool in missing if shutil.which(tool) is None]
        if missing:
            return f"not installed: {', '.join(missing)}"
        if _JEMALLOC[1] in self.run and find_library("jemalloc") is None:
            return "not installed: libjemalloc2"
        if "extension.c" in self.sources and _python_headers() is None:
            return f"no Python.h for {_PYTHON}"
        return None


def _python_headers() -> str | None:
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    if shutil.which(_PYTHON) is None:
        return None
    asked = subprocess.run([_PYTHON, "-c", code], capture_output=True, text=True)
    directory = Path(asked.stdout.strip())
    return str(directory) if (directory / "Python.h").is_file() else None


_FREED = ("gcc", "-g", "-O0", "-o", "freed", "freed.c")
_JEMALLOC = ("env", "LD_PRELOAD=libjemalloc.so.2")

TRANSCRIPTS = (
    Transcript(
        "freed",
        "A use after free",
        "The program of the announcement. With glibc the freed block's first word is "
        "the link to the next one in its list, and that is what was followed.",
        ("freed.c",),
        (_FREED,),
        ("./freed",),
        ("program", "main"),
    ),
    Transcript(
        "freed-jemalloc",
        "The same under jemalloc",
        "jemalloc leaves a freed region as it was: the text that was copied into it is "
        "taken for a pointer.",
        ("freed.c",),
        (_FREED,),
        (*_JEMALLOC, "./freed"),
        ("program", "main"),
    ),
    Transcript(
        "freed-junk",
        "The same under jemalloc that fills what is freed, and without symbols",
        "`junk:true` is in many builds for development. The program is stripped: block "
        "and pointer are found by the allocator's own data and by the code.",
        ("freed.c",),
        (("gcc", "-O0", "-s", "-o", "freed", "freed.c"),),
        (*_JEMALLOC, "MALLOC_CONF=junk:true", "./freed"),
        ("__libc_start_call_main",),
    ),
    Transcript(
        "panic",
        "A Rust panic",
        "`expect` on an `Option` that is `None`. The program is compiled with "
        "`panic=abort`, so that a panic leaves a core.",
        ("panic.rs",),
        (("rustc", "-g", "-Cpanic=abort", "-o", "panic", "panic.rs"),),
        ("./panic",),
        ("core::option::expect_failed", "panic::total", "panic::main"),
    ),
    Transcript(
        "uncaught",
        "A C++ uncaught exception",
        "`std::vector::at` throws, nobody catches, and the program is compiled with "
        "optimisation. The core is of the moment of the throw, not of a handler.",
        ("uncaught.cc",),
        (("g++", "-std=c++17", "-g", "-O2", "-o", "uncaught", "uncaught.cc"),),
        ("./uncaught",),
        ("abort", "std::vector<int>::at", "pick", "main"),
    ),
    Transcript(
        "extension",
        "A Python extension crash",
        "The extension is C, its caller Python: the frames of both stand in one "
        "stack. Nothing was attached to the process, and no Python runs to read it.",
        ("extension.c", "extension.py"),
        (
            (
                *("gcc", "-g", "-O0", "-shared", "-fPIC", "-I", "PYTHON_HEADERS"),
                *("-o", "extension.so", "extension.c"),
            ),
        ),
        (_PYTHON, "extension.py"),
        ("area", "measure", "main"),
    ),
    Transcript(
        "overflow",
        "A stack overflow",
        "A recursion without end. There are as many frames as the stack had room for; "
        "of so many the middle is left out. Shown without variables, and cut.",
        ("overflow.c",),
        (("gcc", "-g", "-O0", "-o", "overflow", "overflow.c"),),
        ("./overflow",),
        ("weigh", "weigh", "main"),
    ),
    Transcript(
        "stripped",
        "A stripped program",
        "Without symbols, frames of the program are offsets in it, which `addr2line` "
        "takes once the unstripped file is found; those of libc keep their names.",
        ("stripped.c",),
        (("gcc", "-O1", "-s", "-o", "stripped", "stripped.c"),),
        ("./stripped",),
        ("__libc_start_call_main",),
    ),
)


def build(transcript: Transcript, directory: Path) -> Sequence[str]:
    """Build the program in ``directory``, which is how it is run too."""
    for source in transcript.sources:
        shutil.copy(SOURCES / source, directory)
    headers = _python_headers() or ""
    for command in transcript.commands:
        words = [headers if word == "PYTHON_HEADERS" else word for word in command]
        subprocess.run(words, cwd=directory, check=True, capture_output=True)
    return transcript.run
