"""What is built twice has equal bytes, and what does not is named."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "packaging"))

from distribution.reproduce import first_difference, sums  # noqa: E402
from distribution.sdist_file import settle_sdist  # noqa: E402
from distribution.wheel_file import read_wheel, write_wheel  # noqa: E402

REPRODUCE = REPOSITORY / "packaging" / "reproduce"
EPOCH = 1_700_000_000
FILES: Mapping[str, tuple[bool, bytes]] = {
    "one.py": (False, b"1\n" * 5000),
    "libexec/program": (True, bytes(range(256)) * 40),
    'odd "name", with comma.txt': (False, b""),
    "one-1.0.dist-info/METADATA": (False, b"Name: one\n"),
    "one-1.0.dist-info/RECORD": (False, b"of another time"),
}


def shuffled(seed: int) -> dict[str, tuple[bool, bytes]]:
    items = list(FILES.items())
    random.Random(seed).shuffle(items)
    return dict(items)


def test_wheels_of_equal_files_are_equal_in_whatever_order_they_came(
    tmp_path: Path,
) -> None:
    one, other = tmp_path / "one.whl", tmp_path / "other.whl"
    write_wheel(one, shuffled(1), EPOCH)
    write_wheel(other, shuffled(2), EPOCH)

    assert one.read_bytes() == other.read_bytes()
    assert read_wheel(one).keys() == FILES.keys()
    assert read_wheel(one)["libexec/program"] == FILES["libexec/program"]


def test_a_wheel_that_was_written_can_be_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "one-1.0-py3-none-any.whl"
    files = {n: f for n, f in FILES.items() if "odd" not in n}
    files["one-1.0.dist-info/METADATA"] = (
        False,
        b"Metadata-Version: 2.1\nName: one\nVersion: 1.0\n",
    )
    files["one-1.0.dist-info/WHEEL"] = (
        False,
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
    )
    write_wheel(wheel, files, EPOCH)

    target = tmp_path / "target"
    words = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*words, "--target", target, wheel], check=True)
    assert (target / "one.py").read_bytes() == FILES["one.py"][1]
    assert os.access(target / "libexec" / "program", os.X_OK)


def sdist(path: Path, seed: int) -> Path:
    """An sdist of the same files with times, owners, modes and an order of its own."""
    dice = random.Random(seed)
    with tarfile.open(path, "w:gz") as archive:
        for name, (is_executable, data) in shuffled(seed).items():
            source = path.with_suffix(".file")
            source.write_bytes(data)
            info = archive.gettarinfo(str(source), f"one-1.0/{name}")
            info.mtime, info.uid, info.uname = dice.randrange(10**9), seed, f"u{seed}"
            mask = dice.choice([0o022, 0o077, 0o027])
            info.mode = (0o777 if is_executable else 0o666) & ~mask
            with source.open("rb") as stream:
                archive.addfile(info, stream)
    return path


def test_sdists_of_equal_files_are_equal_whoever_made_them_when(
    tmp_path: Path,
) -> None:
    one = sdist(tmp_path / "one.tar.gz", 1)
    other = sdist(tmp_path / "other.tar.gz", 2)
    assert one.read_bytes() != other.read_bytes()

    settle_sdist(one, EPOCH)
    settle_sdist(other, EPOCH)

    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as archive:
        found = {m.name: (m.mode, m.mtime) for m in archive}
    assert found["one-1.0/libexec/program"] == (0o755, EPOCH)
    assert found["one-1.0/one.py"] == (0o644, EPOCH)


def test_the_first_member_that_differs_is_named(tmp_path: Path) -> None:
    one, other = tmp_path / "one.whl", tmp_path / "other.whl"
    write_wheel(one, FILES, EPOCH)
    write_wheel(other, {**FILES, "one.py": (False, b"2\n")}, EPOCH)
    assert first_difference(one, other) == "one-1.0.dist-info/RECORD differs"

    later = tmp_path / "later.whl"
    write_wheel(later, FILES, EPOCH + 10)
    assert first_difference(one, later) == "times, modes, order or packing"

    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("more", b"")
    assert first_difference(one, other).startswith("only one has ")


def test_sums_are_those_of_sha256sum(tmp_path: Path) -> None:
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("no sha256sum")
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b" * 100_000)

    said = subprocess.check_output([program, "a", "b"], cwd=tmp_path, text=True)
    assert said.splitlines() == [f"{v}  {k}" for k, v in sums(tmp_path).items()]


def test_what_cannot_be_built_is_refused() -> None:
    done = subprocess.run(
        [REPRODUCE, "msi"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "msi is none of sdist, wheel, deb, rpm" in done.stderr


@pytest.mark.slow
@pytest.mark.packages
@pytest.mark.compiler
@pytest.mark.libdw
@pytest.mark.linux
@pytest.mark.timeout(3600)
def test_the_last_commit_is_built_twice_with_equal_bytes(tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a repository")
    done = subprocess.run(
        [REPRODUCE, "--output", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict(re.findall(r"^([0-9a-f]{64})  (.*)$", done.stdout, re.MULTILINE))
    assert {name: digest for digest, name in printed.items()} == sums(tmp_path)
    kinds = {Path(name).suffix for name in printed.values()}
    assert kinds == {".gz", ".whl", ".deb", ".rpm"}
