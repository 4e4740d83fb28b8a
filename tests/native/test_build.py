"""setup.py builds what the compiler at hand can build, and goes on without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catcher import NATIVE

pytest.importorskip("setuptools", reason="setuptools is only there where one builds")

REPOSITORY = NATIVE.parent
PROGRAMS = ["coresnap-crash"]
if sys.platform == "linux":
    PROGRAMS.append("coresnap-catch")  # its kernel alone starts one


def build(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    places = ["--build-lib", str(directory / "lib"), "--build-temp", str(directory)]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "setup.py", "-q", "build_ext", *places],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.compiler
def test_extension_and_executables_are_built(tmp_path: Path) -> None:
    assert build(tmp_path).returncode == 0
    package = tmp_path / "lib" / "coresnap"
    assert (package / "_native.abi3.so").exists()
    for name in PROGRAMS:
        assert os.access(package / "libexec" / name, os.X_OK)
    crash = subprocess.run(
        [package / "libexec" / "coresnap-crash", "abort"], check=False
    )
    assert crash.returncode == -6


def test_without_a_compiler_the_build_goes_on_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    run = build(tmp_path, CC="/nonexistent/cc")
    assert run.returncode == 0
    assert 'building extension "coresnap._native" failed' in run.stderr
    for name in PROGRAMS:
        assert f"{name} is not built" in run.stderr
    assert "elfutils/libdw.h" in run.stdout
    assert not list(tmp_path.rglob("*.so"))
