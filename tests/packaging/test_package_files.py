"""What is in packages: paths, manuals, completions, licences, nothing of the build."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from built_packages import NAMES, REPOSITORY, Packages, build_packages, ran
from shells import completed

pytestmark = [
    pytest.mark.packages,
    pytest.mark.linux,
    pytest.mark.compiler,
    pytest.mark.timeout(900),  # the first one builds all packages
]

SITE_PACKAGES = "usr/lib/coresnap/lib/python3.11/site-packages"
SETTINGS = ("etc/coresnap/coresnap.conf", "etc/coresnap/coroner.cf")
PAGES = sorted((REPOSITORY / "docs" / "commands").glob("*.md"))


def files(tree: Path) -> list[Path]:
    return [p for p in sorted(tree.rglob("*")) if p.is_file() and not p.is_symlink()]


# --- paths ------------------------------------------------------------


def test_nothing_names_the_directory_of_the_build(trees: dict[str, Path]) -> None:
    marks = (b"coresnap-packages-", b"coresnap-build-", bytes(REPOSITORY) + b"/")
    found = [
        path
        for tree in trees.values()
        for path in files(tree)
        if any(mark in path.read_bytes() for mark in marks)
    ]

    assert found == []


def test_two_packages_share_no_file(trees: dict[str, Path]) -> None:
    one, other = ({p.relative_to(t) for p in files(t)} for t in trees.values())

    assert one & other == set()
    assert len(one) > 100
    assert len(other) > 100


def test_every_module_is_compiled_and_never_compared_with_its_source(
    trees: dict[str, Path],
) -> None:
    for tree in trees.values():
        compiled = [p for p in files(tree) if p.suffix == ".pyc"]
        assert len(compiled) > 100
        for path in compiled:
            # PEP 552: bit 0 says that a hash is there, bit 1 that it is checked.
            assert path.read_bytes()[4:8] == b"\x01\0\0\0", path
            source = path.parent.parent / f"{path.name.split('.')[0]}.py"
            assert source.is_file(), path


def test_links_lead_to_what_is_there(trees: dict[str, Path]) -> None:
    tree = trees["coresnap"]
    links = [path for path in tree.rglob("*") if path.is_symlink()]

    assert tree / "usr/lib/coresnap/bin/python" in links
    for link in links:
        target = (link.parent / link.readlink()).resolve()
        place = target.relative_to(tree.resolve())
        assert target.is_file() or place == Path("usr/bin/python3.11"), link


def test_commands_run_isolated_in_their_environment(trees: dict[str, Path]) -> None:
    for name in ("usr/bin/coresnap", "usr/bin/coroner", "usr/sbin/coresnapd"):
        path = trees["coresnap"] / name
        first = path.read_text().partition("\n")[0]
        # -I: nothing of the caller's variables and directories is imported by root.
        assert first == "#!/usr/lib/coresnap/bin/python -I"
        assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_files_of_settings_are_conffiles(packages: Packages) -> None:
    listed = ran("dpkg-deb", "--info", packages.deb("coresnap"), "conffiles")
    assert listed.stdout.split() == [f"/{name}" for name in SETTINGS]

    listed = ran("rpm", "-qpc", packages.rpm("coresnap"))
    assert listed.stdout.split() == [f"/{name}" for name in SETTINGS]


def test_what_the_lock_names_is_what_is_installed(trees: dict[str, Path]) -> None:
    for name, lock in (
        ("coresnap", "requirements.txt"),
        ("coroner-server", "requirements-server.txt"),
    ):
        locked = locked_versions(lock)
        for directory in (trees[name] / SITE_PACKAGES).glob("*.dist-info"):
            distribution, version = directory.name.removesuffix(".dist-info").split("-")
            if distribution != "coresnap":
                assert locked[normal(distribution)] == version


def locked_versions(lock: str) -> dict[str, str]:
    text = (REPOSITORY / "packaging" / lock).read_text()
    return {normal(n): v for n, v in re.findall(r"^([\w.-]+)==(\S+) ", text, re.M)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# --- papers ------------------------------------------------------------


def test_every_distribution_is_listed_with_a_licence(trees: dict[str, Path]) -> None:
    for name, tree in trees.items():
        text = (tree / "usr/share/doc" / name / "copyright").read_text()
        blocks = text.rstrip().split("\n\n")[3:]  # below title, ours and theirs
        listed = {normal(b.split()[0]): b.split("\n")[1].strip() for b in blocks}
        brought = {
            normal(path.name.split("-")[0])
            for path in (tree / SITE_PACKAGES).glob("*.dist-info")
        } - {"coresnap"}
        assert listed.keys() == brought
        assert all(listed.values())
        for place in re.findall(r"(?m)^  (\S+\.dist-info/.*)$", text):
            assert (tree / SITE_PACKAGES / place).is_file()


def test_changes_come_along(trees: dict[str, Path]) -> None:
    for name, tree in trees.items():
        changes = tree / "usr/share/doc" / name
        own = gzip.decompress((changes / "changelog.Debian.gz").read_bytes()).decode()
        version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
        assert own.startswith(f"{name} ({version['project']['version']}-1) ")
        whole = gzip.decompress((changes / "changelog.gz").read_bytes())
        assert whole == (REPOSITORY / "CHANGELOG.md").read_bytes()


def manuals(tree: Path) -> list[Path]:
    return sorted((tree / "usr/share/man").rglob("*.gz"))


def test_every_command_and_file_of_settings_has_a_manual(
    trees: dict[str, Path],
) -> None:
    pages = {p.name for tree in trees.values() for p in manuals(tree)}

    assert {p.rsplit(".", 2)[0] for p in pages} >= {page.stem for page in PAGES}
    assert pages >= {"coresnapd.8.gz", "coresnap.conf.5.gz", "coroner.cf.5.gz"}
    assert "coronerd.conf.5.gz" in {p.name for p in manuals(trees["coroner-server"])}


@pytest.mark.parametrize("name", NAMES)
def test_manuals_are_without_a_warning(
    trees: dict[str, Path], name: str, tmp_path: Path
) -> None:
    for page in manuals(trees[name]):
        (tmp_path / page.stem).write_bytes(gzip.decompress(page.read_bytes()))
    pages = sorted(tmp_path.iterdir())

    lint = ran("mandoc", "-Tlint", *pages)
    assert lint.stdout == ""
    for page in pages:
        run = ran("groff", "-man", "-Tutf8", "-ww", "-z", page)
        assert (run.returncode, run.stderr) == (0, "")
        assert ran("lexgrog", page).returncode == 0, page


def test_a_manual_says_what_its_page_says(trees: dict[str, Path]) -> None:
    page = trees["coresnap"] / "usr/share/man/man1/coresnap-install.1.gz"
    words = ["mandoc", "-Tascii", "-Owidth=200"]
    run = subprocess.run(
        words, input=gzip.decompress(page.read_bytes()), capture_output=True, check=True
    )
    text = re.sub(r".\x08", "", run.stdout.decode())

    assert "--replace" in text
    assert "take the crashes from another handler." in text
    assert "given back by coresnap-uninstall(1)" in re.sub(r"\s+", " ", text)
    assert "](" not in text


# --- completions ------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("coresnap uninst", "uninstall"),
        ("coresnap analyze --sysr", "--sysroot"),
        ("coresnap analyze /etc/hostn", "/etc/hostname"),
        ("coroner reproc", "reprocess"),
        ("coresnapd --foregr", "--foreground"),
    ],
)
def test_shells_complete(
    trees: dict[str, Path], shell: str, typed: str, wanted: str, tmp_path: Path
) -> None:
    assert wanted in completed(shell, trees["coresnap"], typed, tmp_path)


# --- lint ------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["coresnap", pytest.param("coroner-server", marks=pytest.mark.slow)],  # 150 MB
)
def test_lintian_finds_nothing_without_a_reason(packages: Packages, name: str) -> None:
    options = ("--allow-root", "--tag-display-limit", "0")
    run = ran("lintian", *options, packages.deb(name))

    assert (run.returncode, run.stdout) == (0, "")


def test_rpmlint_finds_nothing_without_a_reason(packages: Packages) -> None:
    settings = REPOSITORY / "packaging" / "rpmlint.toml"
    run = ran("rpmlint", "-c", settings, *map(packages.rpm, NAMES))

    assert run.returncode == 0, run.stdout
    assert re.search(r" 0 errors, 0 warnings", run.stdout), run.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_builds_are_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sums = []
    for name, umask in (("one", 0o022), ("other", 0o077)):
        monkeypatch.setenv("TZ", "UTC" if name == "one" else "Asia/Kolkata")
        directory = tmp_path / name
        directory.mkdir()
        before = os.umask(umask)
        try:
            build_packages(directory, "deb", "rpm")
        finally:
            os.umask(before)
        sums.append(
            {
                p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                for p in directory.iterdir()
            }
        )

    assert len(sums[0]) == 4
    assert sums[0] == sums[1]
