"""The skeleton of FreeBSD's port, as far as it can be looked at without FreeBSD.

bmake reads the Makefile with a stand-in for bsd.port.mk, so syntax, variables and what
``post-install`` does are real; what the ports framework makes of them is not looked at.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
PORT = REPOSITORY / "packaging" / "freebsd" / "port"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
ORIGINS = {"backports.zstd": "devel", "httpx2": "www", "psutil": "sysutils"}
"""Where ports are that one would look for elsewhere."""
OPTIONAL = {"SERVER": "server", "VIEWER": "viewer"}
NAMES = {"jinja2": "Jinja2", "sqlalchemy": "sqlalchemy20"}
"""Distributions whose port is called otherwise."""
PREFIX = "/usr/local"
FREEBSD = {"sys_platform": "freebsd14", "python_version": "3.11"}
"""What decides whether a distribution is wanted there."""


@pytest.fixture
def make(tmp_path: Path) -> list[str | Path]:
    """The command that reads the Makefile as on FreeBSD, with the framework's words."""
    bmake = shutil.which("bmake")
    if bmake is None:
        pytest.skip("no bmake")
    system = tmp_path / "mk"
    system.mkdir()
    (system / "bsd.port.mk").write_text("all:\n")
    words = {
        "PYTHON_PKGNAMEPREFIX": "py311-",
        "PY_FLAVOR": "py311",
        "PREFIX": PREFIX,
        "ETCDIR": f"{PREFIX}/etc/coresnap",
        "PYTHON_SITELIBDIR": f"{PREFIX}/lib/python3.11/site-packages",
        "STAGEDIR": str(tmp_path / "stage"),
        "WRKSRC": str(REPOSITORY),
        "MKDIR": "mkdir -p",
        "INSTALL_DATA": "install -m 644",
        "STRIP_CMD": "true",
    }
    settings = [f"{name}={value}" for name, value in words.items()]
    return [bmake, "-r", "-m", system, "-C", PORT, *settings]


def value(make: list[str | Path], variable: str) -> str:
    words = [*make, "-V", f"${{{variable}}}"]  # the braces expand what is in it
    return subprocess.check_output(words, text=True, stderr=subprocess.STDOUT).strip()


def test_the_port_is_of_this_version(make: list[str | Path]) -> None:
    assert value(make, "PORTNAME") == PROJECT["name"]
    assert value(make, "DISTVERSION") == PROJECT["version"]


def test_its_comment_has_the_form_that_portlint_wants(make: list[str | Path]) -> None:
    comment = value(make, "COMMENT")

    assert len(comment) <= 70
    assert comment[0].isupper()
    assert not comment.endswith(".")


def dependencies(text: str) -> dict[str, tuple[str, str]]:
    """Name of a Python port to (least version, origin)."""
    found = re.findall(r"py311-(\S+?)>=?([\d.]+):([\w.-]+/[\w.-]+)@py311", text)
    return {name: (version, origin) for name, version, origin in found}


@pytest.mark.parametrize("option", [None, *OPTIONAL])
def test_it_depends_on_what_the_project_does(
    make: list[str | Path], option: str | None
) -> None:
    if option is None:
        texts = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["client"]
        listed = dependencies(value(make, "RUN_DEPENDS"))
        # A module of Python itself, which FreeBSD has in a package of its own.
        assert listed.pop("sqlite3") == ("0", "databases/py-sqlite3")
    else:
        texts = PROJECT["optional-dependencies"][OPTIONAL[option]]
        listed = dependencies(value(make, f"{option}_RUN_DEPENDS"))
    wanted = {}
    for requirement in map(Requirement, texts):
        marker = requirement.marker
        if requirement.name == "coresnap" or (marker and not marker.evaluate(FREEBSD)):
            continue
        name = NAMES.get(requirement.name, requirement.name)
        (least,) = (s.version for s in requirement.specifier if s.operator == ">=")
        wanted[name] = least

    assert {name: version for name, (version, _) in listed.items()} == wanted
    for name, (_, origin) in listed.items():
        assert origin.partition("/")[2] == f"py-{name}"
        assert origin.partition("/")[0] == ORIGINS.get(name, origin.partition("/")[0])


def test_it_builds_with_what_the_build_requires(make: list[str | Path]) -> None:
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["build-system"]
    listed = dependencies(value(make, "BUILD_DEPENDS"))

    for requirement in map(Requirement, build["requires"]):
        (least,) = (s.version for s in requirement.specifier)
        assert listed[requirement.name][0] == least
    assert "libdw.so:devel/elfutils" in value(make, "LIB_DEPENDS")


def test_every_option_is_described_and_does_something(make: list[str | Path]) -> None:
    options = value(make, "OPTIONS_DEFINE").split()

    assert set(options) == set(OPTIONAL)
    for option in options:
        assert value(make, f"{option}_DESC")
        assert value(make, f"{option}_RUN_DEPENDS")


def test_what_post_install_stages_is_what_the_list_says(
    make: list[str | Path], tmp_path: Path
) -> None:
    subprocess.run([*make, "post-install"], check=True, capture_output=True)

    stage = tmp_path / "stage" / PREFIX[1:]
    staged = {p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file()}
    listed = (PORT / "pkg-plist").read_text().replace("%%ETCDIR%%", "etc/coresnap")
    assert staged == {
        line.removeprefix("@sample ") for line in listed.splitlines() if line
    }


def test_samples_that_are_taken_over_end_as_samples_do() -> None:
    for line in (PORT / "pkg-plist").read_text().splitlines():
        assert line.endswith(".sample"), line
    # devd's would start the daemon a second time, and sysctl.conf is another file.
    taken = [
        line
        for line in (PORT / "pkg-plist").read_text().splitlines()
        if line.startswith("@sample ")
    ]
    assert not [line for line in taken if "devd" in line or "sysctl" in line]


def test_the_service_is_the_one_script_that_there_is(make: list[str | Path]) -> None:
    (name,) = value(make, "USE_RC_SUBR").split()
    script = PORT / "files" / f"{name}.in"

    assert script.resolve() == (REPOSITORY / "packaging" / "freebsd" / f"{name}.in")
    assert "%%PREFIX%%" in script.read_text()


def test_messages_are_in_the_form_that_pkg_reads() -> None:
    text = (PORT / "files" / "pkg-message.in").read_text()

    assert re.findall(r"\{ type: (\w+)\n  message: <<EOM\n", text) == [
        "install",
        "remove",
    ]
    assert text.count("\nEOM\n") == 2
    assert text.startswith("[\n")
    assert text.endswith("]\n")


def test_the_description_fits_a_terminal() -> None:
    lines = (PORT / "pkg-descr").read_text().splitlines()

    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_lines_of_the_makefile_are_indented_by_tabs() -> None:
    for line in (PORT / "Makefile").read_text().splitlines():
        assert not line.startswith(" ")
        assert line == line.rstrip()


@pytest.mark.linux
def test_distinfo_has_sum_and_size_of_an_sdist(tmp_path: Path) -> None:
    sdist = tmp_path / "coresnap-9.9.tar.gz"
    sdist.write_bytes(b"bytes" * 1000)

    said = subprocess.check_output(
        [PORT.parent / "distinfo", sdist],
        text=True,
        env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1700000000"},
    )
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    assert said.splitlines() == [
        "TIMESTAMP = 1700000000",
        f"SHA256 (coresnap-9.9.tar.gz) = {digest}",
        "SIZE (coresnap-9.9.tar.gz) = 5000",
    ]


def test_distinfo_without_an_sdist_says_how_to_get_one() -> None:
    done = subprocess.run(
        [PORT.parent / "distinfo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "packaging/wheel sdist" in done.stderr
