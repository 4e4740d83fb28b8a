"""What users notice stands in fragments that a release can make a changelog of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CHANGES = REPOSITORY / "docs" / "changes"
FRAGMENTS = sorted(set(CHANGES.glob("*.md")) - {CHANGES / "README.md"})
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]
KINDS = [kind["directory"] for kind in SETTINGS["towncrier"]["type"]]
# A release has no fragments: then there is nothing to look at, and that is right.
EVERY_FRAGMENT = pytest.mark.parametrize(
    "fragment", FRAGMENTS or [None], ids=lambda path: path.name if path else "none"
)


@EVERY_FRAGMENT
def test_a_fragment_is_one_paragraph_of_a_known_kind(fragment: Path | None) -> None:
    if fragment is None:
        return
    text = fragment.read_text()

    assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", fragment.name)
    assert text == text.strip() + "\n", "no space around it"
    assert "\n\n" not in text, "one entry is one paragraph"
    assert not text.startswith(("-", "*", "#")), "the bullet is towncrier's"
    assert max(map(len, text.splitlines())) <= 100


@EVERY_FRAGMENT
def test_links_of_a_fragment_can_be_moved(fragment: Path | None) -> None:
    if fragment is None:
        return
    for target in re.findall(r"\]\(([^)\s]+)\)", fragment.read_text()):
        assert target.startswith(("../", "https://")), target


def test_every_kind_is_told_of() -> None:
    table = (CHANGES / "README.md").read_text()

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == KINDS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What towncrier reads, with two fragments of its own."""
    pytest.importorskip("towncrier", reason="towncrier is not installed")
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(REPOSITORY / name, tmp_path)
    shutil.copytree(CHANGES, tmp_path / "docs" / "changes")
    (tmp_path / "docs" / "changes" / "one.added.md").write_text(
        "One [page](../operate.md#upgrades) and\n[the first](../../README.md).\n"
    )
    (tmp_path / "docs" / "changes" / "two.fixed.md").write_text("Two.\n")
    return tmp_path


def build(tree: Path, version: str) -> str:
    program = [sys.executable, "-m", "towncrier", "build", "--yes"]
    options = ["--version", version, "--date", "2030-01-02"]
    subprocess.run([*program, *options], cwd=tree, check=True, capture_output=True)
    return (tree / "CHANGELOG.md").read_text()


def test_a_release_stands_below_unreleased_in_the_form_of_the_others(
    tree: Path,
) -> None:
    before = (tree / "CHANGELOG.md").read_text()

    after = build(tree, "7.8.9")

    head, _, rest = before.partition("## [Unreleased]\n")
    assert after.startswith(f"{head}## [Unreleased]\n\n## [7.8.9] - 2030-01-02\n\n### ")
    assert after.endswith(f"\n{rest.lstrip()}")
    assert re.search(r"\n### Fixed\n\n(- .*\n(  .*\n)*)*- Two\.\n", after)
    assert not re.search(r"\n\n\n|[^\n]\n#", after), "one blank line before headings"


def test_links_of_a_release_lead_from_the_changelog_to_the_same_pages(
    tree: Path,
) -> None:
    after = build(tree, "7.8.9")

    assert (
        "- One [page](docs/operate.md#upgrades) and\n  [the first](README.md).\n"
    ) in after
    added = after.partition("## [7.8.9]")[2].partition("\n## ")[0]
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", added):
        assert target.startswith("https://") or (REPOSITORY / target).exists()


def test_fragments_are_gone_after_a_release_and_the_next_one_stands_above(
    tree: Path,
) -> None:
    build(tree, "7.8.9")
    left = {path.name for path in (tree / "docs" / "changes").iterdir()}
    (tree / "docs" / "changes" / "three.removed.md").write_text("Three.\n")

    after = build(tree, "7.8.10")

    assert left == {"README.md", "template.md.jinja"}
    versions = re.findall(r"^## \[(.*?)\]", after, re.MULTILINE)
    assert versions[:3] == ["Unreleased", "7.8.10", "7.8.9"]
