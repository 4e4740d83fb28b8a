from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import SOURCES, KernelCore
from coresnap.model import Variable
from gdb_oracle import Comparison, compare_values, frames_of, gdb_threads

pytestmark = [pytest.mark.core_pattern, pytest.mark.gdb, pytest.mark.libdw]


@pytest.fixture(scope="module", params=["0", "2"])
def program(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """kinds.rs, compiled with and without optimisation."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    rustc = shutil.which("rustc") or shutil.which(home / "bin" / "rustc")
    if rustc is None:
        pytest.skip("not installed: rustc")
    made = tmp_path_factory.mktemp("rust") / f"kinds-{request.param}"
    options = ["-g", "-C", f"opt-level={request.param}"]
    source = SOURCES / "kinds.rs"
    subprocess.run([rustc, *options, "-o", made, source], check=True)
    return made


def test_values_of_rust_are_those_of_gdb(
    program: Path, kernel_core: KernelCore
) -> None:
    core = kernel_core([program])
    gdb = gdb_threads(program, core)
    total = Comparison()
    crash: dict[str, Variable] = {}
    for tid, frames in frames_of(core).items():
        # Below them is the runtime, of whose caller-saved registers gdb shows what the
        # called functions left there.
        own = [index for index, f in enumerate(frames) if "kinds::" in str(f.function)]
        compare_values(frames[: own[-1] + 1], gdb[tid][: own[-1] + 1], total)
        crash = {v.name: v for v in frames[own[0]].variables}
    assert total.differences == []
    assert total.only_gdb == []
    assert total.agreed >= 60
    # gdb has no numbers of 128 bits here.
    big = crash["bigy"].members[0]
    assert (big.name, big.members[0].value) == ("Y", -5)
    if program.name == "kinds-0":
        # Nor has it the types behind trait objects; at -O2 there is none left.
        target = crash["animal"].target
        assert target is not None
        assert (target.type, target.members[0].value) == ("kinds::Dog", 3)
