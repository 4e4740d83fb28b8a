"""Capstone is loaded in milliseconds, and its absence is a note."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coresnap.analysis.instruction import library
from coresnap.analysis.instruction.library import Library, load_library


def test_the_library_that_the_package_ships_is_found_without_importing_it() -> None:
    program = (
        "import sys\n"
        "from coresnap.analysis.instruction.library import load_library\n"
        "assert load_library().problem == '', load_library().problem\n"
        "assert 'capstone' not in sys.modules\n"
        "assert 'ctypes' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def without(monkeypatch: pytest.MonkeyPatch, **changes: object) -> Library:
    for name, value in changes.items():
        monkeypatch.setattr(library, name, value)
    load_library.cache_clear()
    try:
        return load_library()
    finally:
        load_library.cache_clear()


def test_without_it_we_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = without(monkeypatch, _shipped=list, _INSTALLED=())
    assert found.problem == "capstone is not installed"


def test_what_is_no_library_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "libcapstone.so"
    file.write_bytes(b"\x7fELF no more")
    found = without(monkeypatch, _shipped=lambda: [str(file)], _INSTALLED=())
    assert found.problem == "capstone is not installed"


class Other:
    """A library that says to be of another version."""

    def cs_version(self, major: Any, minor: Any) -> int:  # noqa: ANN401
        major[0], minor[0] = 4, 0
        return 0x400


def test_another_version_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    ffi = load_library().ffi
    assert library._doubt(ffi, Other()) == "version 4.0, not 5"
