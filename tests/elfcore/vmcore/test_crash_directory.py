"""Which dumps there are, and which of them the kernel left last."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.elfcore.vmcore.crash_directory import saved_dumps
from coresnap.errors import InputError, MissingError


def directory_of(path: Path, *names: str, bounds: str | None = None) -> Path:
    for name in names:
        (path / name).touch()
    if bounds is not None:
        (path / "bounds").write_text(bounds)
    return path


def test_files_of_one_number_belong_together(tmp_path: Path) -> None:
    names = ("info.0", "vmcore.0", "info.1", "vmcore.1.zst", "textdump.tar.2.gz")
    others = ("vmcore.last", "info.last", "minfree", "core.txt.1", "key.3")
    directory = directory_of(tmp_path, *names, *others, "vmcore_encrypted.3")
    dumps = saved_dumps(directory)
    assert [
        (one.number, one.dump and one.dump.name, one.info and one.info.name)
        for one in dumps
    ] == [
        (0, "vmcore.0", "info.0"),
        (1, "vmcore.1.zst", "info.1"),
        (2, "textdump.tar.2.gz", None),
        (3, "vmcore_encrypted.3", None),
    ]


@pytest.mark.parametrize(
    ("bounds", "order"),
    [
        ("3\n", [0, 1, 2]),
        ("1\n", [1, 2, 0]),
        ("0\n", [0, 1, 2]),
        (None, [0, 1, 2]),
        ("-1\n", [0, 1, 2]),
        ("", [0, 1, 2]),
        ("9" * 5000, [0, 1, 2]),
    ],
)
def test_the_newest_is_last_where_numbers_begin_again(
    bounds: str | None, order: list[int], tmp_path: Path
) -> None:
    names = [f"info.{number}" for number in range(3)]
    dumps = saved_dumps(directory_of(tmp_path, *names, bounds=bounds))
    assert [one.number for one in dumps] == order


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such directory"):
        saved_dumps(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be listed"):
        saved_dumps(directory_of(tmp_path, "file") / "file")
    assert saved_dumps(tmp_path) == ()
