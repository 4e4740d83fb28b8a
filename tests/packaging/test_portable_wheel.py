"""The wheel that is published, built here: it brings what it needs, and says so."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CompileProgram, KernelCore

pytestmark = [pytest.mark.compiler, pytest.mark.libdw, pytest.mark.linux]

REPOSITORY = Path(__file__).parents[2]
PYTHON = Path("/usr/bin/python3")
BUNDLED = {"elfutils", "xz", "bzip2", "glibc", "htmx"}
"""What the wheel takes along on Debian 12."""


@pytest.fixture(scope="module")
def portable_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is published, built here."""
    if not PYTHON.exists():
        pytest.skip(f"no {PYTHON}")
    output = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [REPOSITORY / "packaging" / "wheel", "--output", output, "wheel"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution" in done.stderr or "retrying" in done.stderr:
        pytest.skip("the tools that build wheels cannot be fetched")
    assert done.returncode == 0, done.stdout + done.stderr
    path = Path(done.stdout.strip())
    assert path.parent == output
    return path


@pytest.fixture(scope="module")
def unpacked(portable_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files as an installer puts them below site-packages."""
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(portable_wheel) as archive:
        for info in archive.infolist():
            path = Path(archive.extract(info, directory))
            path.chmod(info.external_attr >> 16 & 0o777)
    return directory


@pytest.fixture(scope="module")
def metadata(unpacked: Path) -> Path:
    (directory,) = unpacked.glob("*.dist-info")
    return directory


@pytest.fixture
def document(metadata: Path) -> dict[str, Any]:
    return dict(json.loads((metadata / "sboms" / "bundled.cdx.json").read_text()))


def dynamic(path: Path) -> str:
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("no readelf")
    return subprocess.check_output([readelf, "-dlW", path], text=True)


def test_its_name_says_abi3_and_which_libc_it_needs(portable_wheel: Path) -> None:
    assert portable_wheel.name.split("-")[2:4] == ["cp311", "abi3"]
    assert "manylinux_2_" in portable_wheel.name


def test_it_keeps_to_the_stable_abi(portable_wheel: Path) -> None:
    pytest.importorskip("abi3audit", reason="abi3audit is not installed")
    words = [sys.executable, "-m", "abi3audit", "--strict", "--report"]
    done = subprocess.run(
        [*words, portable_wheel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(done.stdout)["specs"].values()
    seen = {Path(one["name"]).name for one in report["wheel"]}
    assert seen >= {"_libdw.abi3.so", "_native.abi3.so"}


def test_libdw_is_its_own_and_finds_what_it_needs_beside_itself(
    unpacked: Path,
) -> None:
    bundled = {path.name for path in (unpacked / "coresnap.libs").iterdir()}

    assert {name.partition("-")[0] for name in bundled} >= {"libdw", "libelf"}
    for path in [unpacked / "coresnap" / "_libdw.abi3.so", *unpacked.glob("*.libs/*")]:
        for line in dynamic(path).splitlines():
            needed = line.partition("[")[2].partition("]")[0]
            if "(NEEDED)" in line:
                assert needed in bundled or needed.startswith(
                    ("libc.so", "libz.so", "ld-linux")
                ), f"{path.name} needs {needed}"
            if "PATH)" in line:
                assert needed.startswith("$ORIGIN"), f"{path.name} looks in {needed}"


def test_the_handler_is_static_and_can_be_started(unpacked: Path) -> None:
    handler = unpacked / "coresnap" / "libexec" / "coresnap-catch"

    assert os.access(handler, os.X_OK)
    assert "INTERP" not in dynamic(handler)


def test_no_file_names_a_directory_of_the_build(unpacked: Path) -> None:
    for path in unpacked.rglob("*"):
        if path.suffix == ".so" or path.parent.name == "libexec":
            assert b"/coresnap-build-" not in path.read_bytes(), path


def test_every_part_of_others_is_listed_with_licence_version_and_sums(
    document: dict[str, Any], unpacked: Path
) -> None:
    parts = {part["name"]: part for part in document["components"]}

    assert parts.keys() == BUNDLED
    listed = set()
    for part in parts.values():
        assert part["version"]
        assert part["licenses"][0]["expression"]
        for file in part["components"]:
            listed.add(file["name"])
            digest = hashlib.sha256((unpacked / file["name"]).read_bytes()).hexdigest()
            assert file["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert {f"coresnap.libs/{p.name}" for p in unpacked.glob("*.libs/*")} <= listed


def test_the_version_of_libdw_is_that_of_its_package(document: dict[str, Any]) -> None:
    query = shutil.which("dpkg-query")
    if query is None:
        pytest.skip("not Debian")
    said = subprocess.check_output([query, "-W", "-f", "${Version}", "libdw1"])
    (part,) = (p for p in document["components"] if p["name"] == "elfutils")

    assert part["version"] == said.decode()
    assert part["purl"].startswith("pkg:deb/debian/lib")


def test_the_list_is_one_by_cyclonedx(metadata: Path) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    text = (metadata / "sboms" / "bundled.cdx.json").read_text()

    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(text) is None


def test_the_texts_of_the_licences_are_brought_along(metadata: Path) -> None:
    licences = metadata / "licenses" / "bundled"
    listing = (licences / "README.txt").read_text()

    for name in BUNDLED:
        assert f"\n{name}: " in listing
    texts = {
        text
        for line in listing.splitlines()
        if line.startswith("  text ")
        for text in line.removeprefix("  text ").strip().split(", ")
    }
    assert {path.name for path in licences.iterdir()} == {"README.txt", *texts}
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (
        (licences / "LGPL-3.0.txt").read_text()
    )


def test_the_record_knows_every_file(portable_wheel: Path, metadata: Path) -> None:
    with zipfile.ZipFile(portable_wheel) as archive:
        names = set(archive.namelist())
    lines = (metadata / "RECORD").read_text().splitlines()

    assert {line.split(",")[0].strip('"') for line in lines} == names


@pytest.fixture
def crashed(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> tuple[Path, Path]:
    """The announcement's program, and its core."""
    program = compile_program("simple.c", "-O0", "-g", libraries=["-pthread"])
    return program, kernel_core([program])


def check_answer(answer: dict[str, Any]) -> None:
    """Functions, lines and variables are what libdw gives."""
    (frame,) = (
        frame
        for thread in answer["threads"]
        for frame in thread.get("frames", ())
        if frame["function"] == "program"
    )
    assert Path(frame["file"]).name == "simple.c"
    assert frame["line"] > 0
    names = {variable["name"] for variable in frame["variables"]}
    assert {"r", "poop"} <= names


@pytest.mark.core_pattern
def test_a_core_is_analysed_with_the_bundled_libdw(
    unpacked: Path, crashed: tuple[Path, Path], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coresnap", "analyze", crashed[1], "--json"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(unpacked),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            # ld.so writes what it loads, of each process into a file of its own.
            "LD_DEBUG": "files",
            "LD_DEBUG_OUTPUT": str(tmp_path / "loaded"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    check_answer(json.loads(done.stdout))
    said = "".join(path.read_text() for path in tmp_path.glob("loaded.*"))
    found = re.findall(r"calling init: (\S*/libdw\S*)", said)
    assert {Path(path).resolve().parent for path in found} == {
        unpacked / "coresnap.libs"
    }


@pytest.fixture
def bare_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Debian with Python and venv: no compiler, no headers, no elfutils."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("needs root and mmdebstrap")
    root = tmp_path_factory.mktemp("bare") / "root"
    options = ["--variant=minbase", "--include=python3-venv"]
    made = subprocess.run(
        ["mmdebstrap", "--quiet", *options, "bookworm", str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and "E: apt-get update" in made.stderr:
        pytest.skip(f"no packages of Debian here: {made.stderr.splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    yield root
    shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.core_pattern
def test_pip_installs_it_where_there_is_no_compiler_and_no_libdw(
    bare_system: Path, portable_wheel: Path, crashed: tuple[Path, Path]
) -> None:
    def inside(*words: str) -> str:
        return subprocess.check_output(["chroot", str(bare_system), *words], text=True)

    for name in ("cc", "gcc", "clang"):
        assert not list(bare_system.glob(f"usr/bin/{name}*"))
    assert not list(bare_system.glob("usr/lib/*/libdw*"))
    wheels = bare_system / "wheels"
    wheels.mkdir()
    shutil.copy(portable_wheel, wheels)
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:"]
    fetch += ["--python-version", "3.11", "-d", str(wheels), str(portable_wheel)]
    subprocess.run(fetch, check=True)
    for path in crashed:  # below /tmp, as the core says
        target = bare_system / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    inside("python3", "-m", "venv", "/environment")
    install = ["-q", "--no-index", "--find-links", "/wheels", "coresnap"]
    inside("/environment/bin/pip", "install", *install)

    answer = inside("/environment/bin/coresnap", "analyze", str(crashed[1]), "--json")
    check_answer(json.loads(answer))
