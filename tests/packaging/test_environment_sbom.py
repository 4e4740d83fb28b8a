"""The list of all parts that packages install."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
LOCK = REPOSITORY / "packaging" / "requirements-server.txt"

pytestmark = [pytest.mark.packages, pytest.mark.linux]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no /usr/bin/python3")
    output = tmp_path_factory.mktemp("sbom")
    done = subprocess.run(
        [REPOSITORY / "packaging" / "wheel", "--output", output, "sbom"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "dns error" in done.stderr or "retrying" in done.stderr:
        pytest.skip("the locked distributions cannot be fetched")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def document(written: Path) -> dict[str, Any]:
    return dict(json.loads(written.read_text()))


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_is_one_by_cyclonedx(written: Path) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")

    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(written.read_text()) is None


def test_it_is_of_this_version(document: dict[str, Any], written: Path) -> None:
    component = document["metadata"]["component"]

    assert (component["name"], component["version"]) == (
        "coresnap",
        PROJECT["version"],
    )
    assert written.name == f"coresnap-{PROJECT['version']}.cdx.json"


def test_it_has_what_is_locked_in_the_versions_that_are_locked(
    document: dict[str, Any],
) -> None:
    locked = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(), re.MULTILINE)

    found = {(normalised(c["name"]), c["version"]) for c in document["components"]}
    assert found == {(normalised(name), version) for name, version in locked}


def test_every_part_has_a_licence_and_a_package_url(document: dict[str, Any]) -> None:
    for component in document["components"]:
        assert component.get("licenses"), component["name"]
        assert component["purl"].startswith("pkg:pypi/")


def test_libraries_that_wheels_bundle_are_parts_of_their_distribution(
    document: dict[str, Any],
) -> None:
    bundled = {
        component["name"]: [part["name"] for part in component["components"]]
        for component in document["components"]
        if component.get("components")
    }
    # libpq, and what it needs, are in psycopg's wheel.
    assert any("libpq" in name for name in bundled["psycopg-binary"])


def test_every_part_has_a_reference_of_its_own(document: dict[str, Any]) -> None:
    references = [
        part["bom-ref"]
        for component in document["components"]
        for part in (component, *component.get("components", ()))
    ]
    assert len(references) == len(set(references))
