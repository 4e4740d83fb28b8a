"""The seeds of the fuzzers stay good, in their own targets, and cut at every byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from native_targets import NATIVE_TARGETS, compile_sources, compile_target

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the inputs are files without a name, of Linux"
)

SEEDS = Path(__file__).parent / "seeds"
PYTHON_SEEDS = sorted(
    path
    for path in SEEDS.glob("*/*")
    if path.parent.name not in set(NATIVE_TARGETS.values()) - {"core", "admission"}
)
CUTS = 60


def identify(path: Path) -> str:
    return f"{path.parent.name}-{path.name}"


@pytest.mark.parametrize("path", PYTHON_SEEDS, ids=identify)
def test_a_seed_is_read_or_refused_whole_and_cut(path: Path) -> None:
    from targets import run_target

    data = path.read_bytes()
    for size in {len(data), *range(0, len(data), max(1, len(data) // CUTS))}:
        run_target(path.parent.name, data[:size])


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return compile_sources(tmp_path_factory.mktemp("objects"), fuzzer=False)


@pytest.mark.linux
@pytest.mark.compiler
@pytest.mark.sanitizer
@pytest.mark.parametrize("name", NATIVE_TARGETS)
def test_seeds_and_changes_of_them_break_no_rule_of_the_sanitizers(
    name: str, objects: list[Path], tmp_path: Path
) -> None:
    if name in ("settings",) and os.geteuid() != 0:
        pytest.skip("settings are believed only if root wrote them")
    compile_target(name, objects, tmp_path / name, fuzzer=False)
    seeds = sorted((SEEDS / NATIVE_TARGETS[name]).iterdir())
    run = subprocess.run(
        [tmp_path / name, "200", *seeds], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == 201 * len(seeds)
