from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import coresnap
from coresnap.views.cli.module_archive import archive_name, packed

MODULES = {
    "sample": (True, "sample/__init__.py", b"where = __path__\n"),
    "sample.inner": (False, "sample/inner.py", b"def fail():\n    1 / 0\n"),
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An installed package: its modules' files, and the archive beside them."""
    for _, file, source in MODULES.values():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(source)
    (tmp_path / "sample" / archive_name()).write_bytes(packed(MODULES))
    return tmp_path / "sample"


def run(package: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` where only the archive is asked for modules of ``package``."""
    lines = [
        "import sys",
        "from coresnap.views.cli.module_archive import import_from_archive",
        f"import_from_archive({str(package)!r})",
        program,
    ]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True
    )


def test_modules_come_from_the_archive(package: Path) -> None:
    done = run(
        package, "import sample.inner as m, sample; print(m.__file__, *sample.where)"
    )
    assert done.stdout.split() == [str(package / "inner.py"), str(package)]
    assert not (package / "__pycache__").exists()


def test_tracebacks_show_the_lines_of_modules_from_the_archive(package: Path) -> None:
    done = run(package, "import sample.inner; sample.inner.fail()")
    assert f'File "{package / "inner.py"}", line 2, in fail\n    1 / 0' in done.stderr


def test_a_module_that_was_changed_is_not_taken_from_the_archive(package: Path) -> None:
    file = package / "inner.py"
    file.write_text("changed = True\n")
    long_after = (package / archive_name()).stat().st_mtime + 3600
    os.utime(file, (long_after, long_after))
    path = f"sys.path.insert(0, {str(package.parent)!r})"
    done = run(package, f"{path}; import sample.inner; print(sample.inner.changed)")
    assert done.stdout == "True\n", done.stderr


def test_files_beside_modules_from_the_archive_are_found(package: Path) -> None:
    (package / "words.txt").write_text("hello")
    read = "(importlib.resources.files('sample') / 'words.txt').read_text()"
    done = run(package, f"import importlib.resources; print({read})")
    assert done.stdout == "hello\n", done.stderr


def test_an_archive_of_another_python_is_as_good_as_none(package: Path) -> None:
    path = package / archive_name()
    path.write_bytes(b"\0\0\0\0" + path.read_bytes()[4:])
    done = run(package, "import sample")
    assert "No module named 'sample'" in done.stderr


def test_nothing_is_wrong_without_an_archive(tmp_path: Path) -> None:
    done = run(tmp_path, "import coresnap; print('here')")
    assert done.stdout == "here\n", done.stderr


def test_an_installed_coresnap_has_all_its_modules_in_the_archive() -> None:
    directory = Path(coresnap.__path__[0])
    if not (directory / archive_name()).exists():
        pytest.skip("coresnap is not installed, it is imported from its source tree")
    names = [
        ".".join(path.relative_to(directory.parent).with_suffix("").parts)
        for path in directory.rglob("*.py")
        if path.name not in ("__init__.py", "_capstone.py")
    ]
    program = f"print([n for n in {names} if sys.meta_path[0].find_spec(n) is None])"
    assert run(directory, program).stdout == "[]\n"
