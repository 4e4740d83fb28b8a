from __future__ import annotations

import os
from pathlib import Path

import pytest

from coresnap.analysis.source import Excerpt, SourceReader
from coresnap.analysis.source_paths import SourcePaths

LATER = 2_000_000_000.0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "program.c"
    file.write_text("".join(f"line {number}\n" for number in range(1, 21)))
    return file


def test_the_line_is_shown_with_its_surroundings(source: Path) -> None:
    found = SourceReader().around(str(source), 10, LATER)
    assert found.start == 7
    assert found.lines == tuple(f"line {number}" for number in range(7, 14))


def test_the_first_and_the_last_line_have_one_sided_surroundings(source: Path) -> None:
    reader = SourceReader()
    assert reader.around(str(source), 1, LATER).lines[0] == "line 1"
    assert reader.around(str(source), 20, LATER).lines[-1] == "line 20"


def test_a_source_newer_than_the_program_is_not_shown(source: Path) -> None:
    before = source.stat().st_mtime - 10
    assert SourceReader().around(str(source), 10, before) == Excerpt()


@pytest.mark.parametrize("line", [None, 0, 21, -1])
def test_a_line_that_the_file_does_not_have_shows_nothing(
    source: Path, line: int | None
) -> None:
    assert SourceReader().around(str(source), line, LATER) == Excerpt()


def test_what_is_no_regular_file_is_not_opened_for_reading(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.c"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path, tmp_path / "absent.c", Path("/dev/zero")):
        assert SourceReader().around(str(path), 1, LATER) == Excerpt()
    assert SourceReader().around("bad\0name", 1, LATER) == Excerpt()


def test_the_sysroot_is_put_before_the_recorded_path(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").write_text("only\n")
    found = SourceReader(tmp_path).around("/src/a.c", 1, LATER)
    assert found.lines == ("only",)


def test_a_huge_line_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "long.c"
    file.write_text("x" * 100_000)
    assert len(SourceReader().around(str(file), 1, LATER).lines[0]) == 400


def test_a_source_directory_has_the_longest_end_of_the_path_that_is_there(
    tmp_path: Path,
) -> None:
    for place in ("net/a.c", "a.c"):
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{place}\n")
    reader = SourceReader(paths=SourcePaths((tmp_path / "absent", tmp_path)))
    assert reader.around("/build/src/net/a.c", 1, LATER).lines == ("net/a.c",)
    assert reader.around("./a.c", 1, LATER).lines == ("a.c",)
    assert reader.around("/build/b.c", 1, LATER) == Excerpt()


def test_what_was_pointed_at_is_shown_whatever_its_age(source: Path) -> None:
    reader = SourceReader(paths=SourcePaths((source.parent,)))
    assert reader.around("/build/program.c", 10, 0.0).start == 7
    assert reader.around("/build/program.c", 10, None).start == 7


def test_a_path_does_not_lead_out_of_a_source_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "tree").mkdir()
    paths = SourcePaths((tmp_path / "tree",), (("/build", str(tmp_path / "tree")),))
    for name in ("../secret", "/build/../secret", "a/../../secret", "/build/x/../../s"):
        assert SourceReader(paths=paths).around(name, 1, LATER) == Excerpt()


@pytest.mark.parametrize(
    ("file", "start", "found"),
    [
        ("/build/src/a.c", "/build", "src/a.c"),
        ("/build/src/a.c", "/build/", "src/a.c"),
        ("/build/src/a.c", "/build/src", "a.c"),
        ("/builds/a.c", "/build", None),
        ("/build", "/build", None),
        ("./src/a.c", ".", "src/a.c"),
        ("src/a.c", "./src", "a.c"),
        ("/src/a.c", ".", None),
        ("/a.c", "/", "a.c"),
    ],
)
def test_whole_directories_at_the_start_of_a_path_are_substituted(
    file: str, start: str, found: str | None
) -> None:
    chosen = list(SourcePaths((), ((start, "/new"),)).chosen(file))
    assert chosen == ([Path("/new", found)] if found else [])


def test_the_first_substitution_that_fits_is_taken() -> None:
    pairs = (("/other", "/x"), ("/build", "/one"), ("/build/src", "/two"))
    assert list(SourcePaths((), pairs).chosen("/build/src/a.c")) == [
        Path("/one/src/a.c")
    ]
