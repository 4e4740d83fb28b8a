"""Units and catalog: systemd understands them, and they stay as closed as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.model.message_id import MessageId

REPOSITORY = Path(__file__).parents[2]
UNITS = REPOSITORY / "packaging" / "systemd"
PAGE = REPOSITORY / "docs" / "units.md"
CATALOG = UNITS / "coresnap.catalog"
NAMES = sorted(path.name for path in UNITS.glob("*.service"))
OURS = re.compile(r"^(Exec\w+=)/usr/s?bin/(?:coresnapd?|coroner)\b", re.MULTILINE)

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="not installed: systemd-analyze"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is here in place of each that is not."""
    for path in UNITS.glob("*.service"):
        text = OURS.sub(r"\1/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text)
    return tmp_path


def analyzed(directory: Path, *words: str) -> str:
    run = subprocess.run(
        ["systemd-analyze", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def written_down() -> Iterator[tuple[str, float]]:
    """Units and their exposure, from the table of docs/units.md."""
    for line in PAGE.read_text().splitlines():
        if match := re.match(r"\| `([\w-]+\.service)` \| ([\d.]+) \|", line):
            yield match[1], float(match[2])


@pytest.mark.systemd
@needs_analyze
def test_systemd_understands_the_units(units: Path) -> None:
    analyzed(units, "verify", "--man=no", *(f"./{name}" for name in NAMES))


@pytest.mark.systemd
@needs_analyze
@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_as_closed_as_is_written_down(units: Path, name: str) -> None:
    """Later versions of systemd look for more; what they find may not be much more."""
    said = analyzed(units, "security", "--offline=true", "--no-pager", f"./{name}")

    (exposure,) = re.findall(r"exposure level for \S+: ([\d.]+)", said)
    assert float(exposure) <= dict(written_down())[name] + 0.3


def test_programs_are_where_packages_put_them() -> None:
    for name in NAMES:
        text = (UNITS / name).read_text()
        for program in re.findall(r"^Exec\w+=(/\S+)", text, re.MULTILINE):
            assert program in (
                "/usr/bin/coresnap",
                "/usr/sbin/coresnapd",
                "/usr/bin/coroner",
                "/bin/kill",
            ), name


def test_what_protects_crashes_is_not_lost_among_the_rest() -> None:
    daemon = (UNITS / "coresnapd.service").read_text().splitlines()
    capture = (UNITS / "coresnap-capture.service").read_text().splitlines()

    assert {"KillMode=process", "OOMPolicy=continue", "LimitCORE=1"} <= set(daemon)
    assert "Requires=coresnap-capture.service" in daemon
    assert "RequiresMountsFor=/var/coresnap" in capture
    assert not [line for line in capture if line.startswith("ExecStop")]
    assert not [line for line in capture if line.startswith("Conflicts=")]


# --- the catalog ------------------------------------------------------------------


def test_each_kind_of_message_is_explained_once() -> None:
    explained = re.findall(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), re.MULTILINE)

    assert sorted(explained) == sorted(MessageId)
    assert len(set(explained)) == len(explained)


def test_each_kind_of_message_is_said_somewhere_and_listed() -> None:
    sources = (REPOSITORY / "src").rglob("*.py")
    code = "".join(path.read_text() for path in sources)
    page = PAGE.read_text()

    for kind in MessageId:
        assert f"MessageId.{kind.name}" in code, kind.name
        assert f"`{kind.value}`" in page, kind.name


@pytest.mark.systemd
@pytest.mark.skipif(
    shutil.which("journalctl") is None, reason="not installed: journalctl"
)
def test_the_journal_understands_the_catalog(tmp_path: Path) -> None:
    place = tmp_path / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, place)

    root = f"--root={tmp_path}"
    run = subprocess.run(
        ["journalctl", root, "--update-catalog"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")
    run = subprocess.run(
        ["journalctl", root, "--list-catalog"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(run.stdout.splitlines()) == len(MessageId)
