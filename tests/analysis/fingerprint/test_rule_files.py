"""The rules that come with coresnap can all match, and cost no regular expression."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import coresnap.analysis
from coresnap.analysis.fingerprint.names import normalise_function
from coresnap.analysis.fingerprint.policies import FILES, Table, policies

POLICIES = Path(coresnap.analysis.__file__).parent / "policies"
KINDS = ("failure", "plumbing", "stop", "library", "entry", "rename")


def lines() -> list[str]:
    return [
        line
        for file in FILES
        for line in (POLICIES / f"{file}.rules").read_text().splitlines()
        if line and not line.startswith(("#", "["))
    ]


def test_all_files_are_read_and_described() -> None:
    assert {path.stem for path in POLICIES.glob("*.rules")} == set(FILES)
    readme = (POLICIES / "README.md").read_text()
    assert all(f"`{file}.rules`" in readme for file in FILES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_spelt_as_it_is_looked_up(kind: str) -> None:
    table: Table = getattr(policies(), kind)

    assert [name for name in table.exact if normalise_function(name) != name] == []


def test_no_rule_stands_twice() -> None:
    # A function may be a failure at the inner end and plumbing further out.
    for kind in KINDS:
        table: Table = getattr(policies(), kind)
        globs = ["*".join(pieces) for pieces, _ in table.globs]
        assert len(globs) == len(set(globs))


def test_lines_are_names_without_blanks_around() -> None:
    assert [line for line in lines() if line != line.strip()] == []


def test_a_pattern_is_compared_from_end_to_end() -> None:
    find = policies().plumbing.find

    assert find("uv__io_poll", "libuv.so") is not None
    assert find("my_uv__io_poll", "libuv.so") is None
    slices = policies().failure.find
    assert slices("core::slice::index::slice_end_index_len_fail", "app") is not None
    assert slices("core::slice::index::slice_end_index_len", "app") is None


def test_making_a_fingerprint_compiles_no_regular_expression() -> None:
    program = (
        "import re\n"
        "from coresnap.model import Frame, Trust\n"
        "from coresnap.analysis.fingerprint import fingerprint, load_policies\n"
        "re.compile = None\n"
        "load_policies()\n"
        "names = 'abort', 'f.part.0', 'std::vector<int>::at', '__memcpy_avx', 'main'\n"
        "frames = [Frame(1, Trust.CFI, function=n, module='/a/b') for n in names]\n"
        "print(*fingerprint('app', 'SIGABRT', frames).frames)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split()[0] == "b:f"
    assert re.fullmatch(r"b:\S+( b:\S+)*\n", run.stdout)
