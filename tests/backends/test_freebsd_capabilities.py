"""Reading by path below a descriptor: what FreeBSD's capability mode leaves a worker.

Linux has no capability mode. Here an empty root directory plays it: from there no path
leads anywhere, but for those below a descriptor that was open before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coresnap.backends.freebsd_capabilities import ReadingBelow

pytestmark = pytest.mark.root

SOURCE = Path(sys.modules["coresnap"].__file__ or "").parent.parent
BEGIN = """
import os, sys, pathlib, io
from coresnap.backends.freebsd_capabilities import read_by_descriptor
read_by_descriptor(os.open("/", os.O_RDONLY | os.O_DIRECTORY))
os.chroot("empty")
os.chdir("/")
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "below" / "file").write_text("text")
    (tmp_path / "below" / "link").symlink_to("file")
    (tmp_path / "away").symlink_to(tmp_path / "below")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    return tmp_path


@pytest.fixture
def below(tree: Path) -> ReadingBelow:
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    return ReadingBelow(root, str(tree))


def confined(tree: Path, code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        cwd=tree,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_without_the_functions_nothing_is_found(tree: Path) -> None:
    attempt = "import posix\nposix.stat('{}/below/file')".replace("{}", str(tree))
    with pytest.raises(AssertionError, match="No such file"):
        confined(tree, attempt)


@pytest.mark.parametrize(
    "code",
    [
        "open('{}/below/file').read()",
        "open(b'{}/below/file').read().strip()",
        "io.open('below/file', encoding='utf-8').read()",
        "pathlib.Path('{}/below/link').read_text()",
        "pathlib.Path('{}/below/file').read_bytes().decode()",
        "pathlib.Path('{}/below/file').open().read()",
        "open('{}/away/link').read()",
        "pathlib.Path('away/file').read_text()",
        "os.fdopen(os.open('{}/below/file', os.O_RDONLY)).read()",
        "os.read(os.open('/dev/fd/%d' % os.open('below/file', 0), 0), 9).decode()",
    ],
)
def test_files_are_read_by_every_way(tree: Path, code: str) -> None:
    assert confined(tree, f"print({code.format(tree)})") == "text\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.stat('{}/below/file').st_size", "4"),
        ("os.path.exists('{}/none'), os.path.isfile('below/link')", "False True"),
        ("os.path.realpath('{}/below/link') == '{}/below/file'", "True"),
        ("pathlib.Path('below/link').resolve().name", "file"),
        ("pathlib.Path('{}/below/link').is_symlink()", "True"),
        ("os.readlink('{}/below/link')", "file"),
        ("*sorted(os.listdir('{}/below'))", "file link"),
        ("*sorted(p.name for p in pathlib.Path('below').iterdir())", "file link"),
        ("os.path.isdir('/')", "True"),
        ("os.path.isdir('{}/away')", "True"),
        ("*sorted(os.listdir('{}/away'))", "file link"),
        ("os.path.exists('{}/round'), os.path.exists('away/none')", "False False"),
    ],
)
def test_files_are_looked_for_by_every_way(tree: Path, code: str, said: str) -> None:
    place = str(tree)
    answer = confined(tree, f"print({code.replace('{}', place)})")
    assert answer.replace("(", "").replace(")", "").replace(",", "") == f"{said}\n"


def test_entries_of_a_directory_can_be_asked(tree: Path) -> None:
    code = """
with os.scandir('below') as entries:
    for entry in sorted(entries, key=lambda e: e.name):
        print(entry.name, entry.is_symlink(), entry.stat().st_size)
"""
    assert confined(tree, code) == "file False 4\nlink True 4\n"


@pytest.mark.parametrize(
    "code", ["open('{}/none')", "os.stat('{}/none')", "os.stat('')", "os.listdir('')"]
)
def test_what_is_not_there_is_not_there(tree: Path, code: str) -> None:
    attempt = f"""
try:
    {code.replace("{}", str(tree))}
except FileNotFoundError:
    print("missing")
"""
    assert confined(tree, attempt) == "missing\n"


def test_descriptors_are_themselves(below: ReadingBelow, tree: Path) -> None:
    fd = os.open(tree / "below", os.O_RDONLY)
    assert below.stat(fd).st_ino == (tree / "below").stat().st_ino
    assert sorted(below.listdir(fd)) == ["file", "link"]
    inner = below.open("file", os.O_RDONLY, dir_fd=fd)
    assert below.stat(f"/dev/fd/{inner}").st_size == 4
    with below.open_file(inner) as stream:
        assert stream.read() == "text"
    assert below.readlink("link", dir_fd=fd) == "file"
    assert below.lstat("link", dir_fd=fd).st_size == 4
    os.close(fd)
    os.close(below.root)
