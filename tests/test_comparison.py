"""What benchmarks/compare.py says of figures, and that it can be asked."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from comparison import Comparison, compared, markdown  # noqa: E402

ROUNDS = 11


def figures(factor: float, *, noise: float, drift: float = 0.0) -> Comparison:
    """Figures of a head that takes ``factor`` times as long, on a machine with noise.

    ``drift`` is by how much both sides are slower in the last round than in the first.
    """
    dice = random.Random(17)
    slower = [1 + drift * turn / ROUNDS for turn in range(ROUNDS)]
    base = [100 * s * (1 + dice.uniform(-noise, noise)) for s in slower]
    head = [100 * factor * s * (1 + dice.uniform(-noise, noise)) for s in slower]
    return compared("a figure", "ms", base, head)


def test_what_takes_a_quarter_longer_is_a_regression() -> None:
    found = figures(1.25, noise=0.05)

    assert found.is_regression(0.1)
    assert found.low <= found.ratio <= found.high
    assert found.verdict(0.1) == "**regression**"


def test_noise_is_no_regression() -> None:
    found = figures(1.0, noise=0.3)

    assert not found.is_beyond_noise
    assert found.verdict(0.1) == "noise"


def test_a_machine_that_becomes_twice_as_slow_hides_nothing_and_invents_nothing() -> (
    None
):
    assert not figures(1.0, noise=0.02, drift=1.0).is_regression(0.0)
    assert figures(1.15, noise=0.02, drift=1.0).is_regression(0.1)


def test_what_is_surely_slower_by_less_than_the_threshold_passes_and_is_told() -> None:
    found = figures(1.05, noise=0.01)

    assert found.is_beyond_noise
    assert not found.is_regression(0.1)
    assert found.verdict(0.1) == "worse, within the threshold"


def test_what_is_faster_is_better() -> None:
    assert figures(0.8, noise=0.05).verdict(0.1) == "better"


def test_the_same_figures_give_the_same_interval() -> None:
    assert figures(1.1, noise=0.2) == figures(1.1, noise=0.2)


def test_a_table_has_a_row_for_each_with_medians_ratio_and_verdict() -> None:
    table = markdown([compared("a put", "ms", [2, 2, 2], [3, 3, 3])], 0.1)

    assert table.splitlines()[2] == (
        "| a put | 2 ms | 3 ms | 1.500 [1.500–1.500] | **regression** |"
    )


def test_json_has_every_figure() -> None:
    one = compared("a put", "ms", [2, 2, 2], [3, 3, 3])

    read = json.loads(json.dumps(one.as_json(0.1)))
    assert read["base"] == [2, 2, 2]
    assert read["head"] == [3, 3, 3]
    assert (read["ratio"], read["verdict"]) == (1.5, "regression")


def compare(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCHMARKS / "compare.py", *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def _imports() -> None:
    for name in ("duckdb", "starlette", "sqlalchemy"):
        pytest.importorskip(name, reason="the server's extra is not installed")


@pytest.mark.linux
@pytest.mark.usefixtures("_imports")
def test_its_help_names_each_benchmark() -> None:
    done = compare("--help")

    assert done.returncode == 0
    for name in ("start", "tiny", "threads", "show", "catch", "store"):
        assert f"\n  {name} " in done.stdout


@pytest.mark.linux
@pytest.mark.usefixtures("_imports")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["HEAD", "--only", "tinny"], "tinny is none of"),
        (["HEAD", "--rounds", "2"], "fewer than 3 rounds"),
    ],
)
def test_a_wrong_command_line_is_refused(words: list[str], says: str) -> None:
    done = compare(*words)

    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.linux
@pytest.mark.usefixtures("_imports")
def test_a_revision_that_is_none_is_named(tmp_path: Path) -> None:
    done = compare("no-such-tag", "--directory", str(tmp_path))

    assert done.returncode == 2
    assert "no-such-tag is no commit here" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.linux
@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.usefixtures("_imports")
def test_a_commit_is_as_fast_as_itself(tmp_path: Path) -> None:
    pytest.importorskip("uv", reason="uv is not installed")
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a repository")
    file = tmp_path / "figures.json"
    done = compare(
        *("HEAD", "HEAD", "--only", "start,show,store", "--rounds", "5"),
        *("--threshold", "0.5", "--json", str(file)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read = json.loads(file.read_text())
    assert read["sides"]["base"] == read["sides"]["head"]
    names = [one["name"] for one in read["figures"]]
    assert names[:2] == ["coresnap --help", "import coresnap"]
    assert {len(one["base"]) for one in read["figures"]} == {5}
    assert done.stdout.count("\n| ") == len(names) + 1
