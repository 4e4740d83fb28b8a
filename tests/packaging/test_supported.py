"""What docs/upgrading.md says of versions is what the code and its build say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from coresnap.collect import admission, journal
from coresnap.snapshot import layout

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PAGE = (REPOSITORY / "docs" / "upgrading.md").read_text()


def table(heading: str) -> dict[str, list[str]]:
    """First cell, without its link, to the other cells."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = {}
    for line in section.splitlines():
        if line.startswith("| "):
            first, *others = (cell.strip() for cell in line.strip("|").split("|"))
            found[re.sub(r"\[(.*?)\]\(.*?\)", r"\1", first)] = others
    return found


FORMATS = table("Versions of formats")
SUPPORTED = table("Supported versions")


def test_versions_of_a_host_s_formats_are_those_of_the_code() -> None:
    assert FORMATS["snapshot"][0] == f"{layout.MAJOR}.{layout.MINOR}"
    assert FORMATS["journal of a host"][0] == str(journal._VERSION)
    assert FORMATS["table of admission of a host"][0] == str(admission.VERSION)


def test_versions_of_a_store_s_formats_are_those_of_the_code() -> None:
    pytest.importorskip("sqlalchemy", reason="no server installed")
    from coresnap.store.index.layout import INDEX_VERSION
    from coresnap.store.state.schema import MIGRATIONS

    newest = MIGRATIONS[-1].version if MIGRATIONS else 1
    assert FORMATS["tables of a store's state"][0] == str(newest)
    assert FORMATS["index of a store"][0] == str(INDEX_VERSION)


def test_python_is_what_the_project_requires() -> None:
    least = PROJECT["project"]["requires-python"].removeprefix(">=")

    assert SUPPORTED["Python"][0] == f"{least} and later, CPython"


def test_both_libcs_are_those_of_the_wheels() -> None:
    settings = PROJECT["tool"]["cibuildwheel"]

    for libc, image in (("glibc, wheel", "manylinux"), ("musl, wheel", "musllinux")):
        for machine in ("x86_64", "aarch64"):
            assert settings[f"{image}-{machine}-image"] in SUPPORTED[libc][0]


def test_freebsd_s_releases_are_those_of_the_workflow() -> None:
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text()
    releases = re.search(r"release: \[(.*?)\]", workflow)

    assert releases is not None
    assert SUPPORTED["FreeBSD"][0].split(", ") == re.findall(r"\d+", releases[1])


@pytest.mark.parametrize("service", ["PostgreSQL", "ClickHouse"])
def test_services_are_those_that_the_operator_is_told(service: str) -> None:
    least = SUPPORTED[service][0]
    operate = (REPOSITORY / "docs" / "operate.md").read_text()

    assert re.search(rf"\*\*{service}\*\* {least.replace('and', 'or')}", operate)


def test_every_row_says_how_sure_it_is() -> None:
    for name, (_, sure) in list(SUPPORTED.items())[1:]:
        assert re.search(r"tested|built for|by source", sure), name


def test_notes_have_the_version_that_is_released_next_or_now() -> None:
    noted = re.findall(r"^\*\*(\d+\.\d+\.\d+)\.\*\*", PAGE, re.MULTILINE)

    assert PROJECT["project"]["version"] in noted
