"""The workflow of releases and cibuildwheel's settings, which only run elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
WORKFLOW = REPOSITORY / ".github" / "workflows" / "release.yml"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
SETTINGS = PROJECT["tool"]["cibuildwheel"]


def jobs() -> dict[str, Any]:
    yaml = pytest.importorskip("ruamel.yaml", reason="no check-jsonschema")
    return dict(yaml.YAML(typ="safe").load(WORKFLOW)["jobs"])


@pytest.mark.parametrize(
    "schema",
    ["vendor.github-workflows", "custom.github-workflows-require-timeout"],
)
def test_the_workflow_is_one_by_the_schema(schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    program = [sys.executable, "-m", "check_jsonschema", "--no-cache"]
    done = subprocess.run(
        [*program, f"--builtin-schema={schema}", str(WORKFLOW)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_others_wrote_is_pinned_by_its_commit() -> None:
    used = [s["uses"] for job in jobs().values() for s in job["steps"] if "uses" in s]

    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action


def test_every_program_of_ours_that_it_runs_exists() -> None:
    scripts = "\n".join(s.get("run", "") for j in jobs().values() for s in j["steps"])
    commands = re.findall(r"^packaging/\S+", scripts, re.MULTILINE)

    assert set(commands) == {"packaging/reproduce", "packaging/wheel"}
    for command in commands:
        assert os.access(REPOSITORY / command, os.X_OK), command


def test_only_the_jobs_that_sign_have_an_identity() -> None:
    identities = {
        name
        for name, job in jobs().items()
        if job.get("permissions", {}).get("id-token") == "write"
    }
    assert identities == {"attest", "pypi"}
    assert jobs()["pypi"]["if"] == "startsWith(github.ref, 'refs/tags/v')"


def test_a_job_waits_for_what_it_takes() -> None:
    assert jobs()["attest"]["needs"] == ["wheels", "packages"]
    assert jobs()["pypi"]["needs"] == ["attest"]


# --- cibuildwheel ------------------------------------------------------------


@pytest.mark.linux
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_cibuildwheel_builds_one_wheel_for_each_libc(machine: str) -> None:
    pytest.importorskip("cibuildwheel", reason="cibuildwheel is not installed")
    said = subprocess.check_output(
        [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", REPOSITORY],
        text=True,
        env={**os.environ, "CIBW_PLATFORM": "linux", "CIBW_ARCHS": machine},
    )
    assert said.split() == [f"cp311-manylinux_{machine}", f"cp311-musllinux_{machine}"]


def test_the_wheel_is_of_the_oldest_python_that_is_supported() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=").replace(".", "")

    assert {build.partition("-")[0] for build in SETTINGS["build"]} == {f"cp{oldest}"}


def test_both_systems_get_libdw_a_static_libc_and_gcore() -> None:
    before = {one["select"]: one["before-all"] for one in SETTINGS["overrides"]}

    assert {"elfutils-devel", "glibc-static", "gdb"} <= set(
        before["*-manylinux*"].split()
    )
    # musl-dev, which every image has, brings libc.a.
    assert {"elfutils-dev", "gdb"} <= set(before["*-musllinux*"].split())


def test_programs_of_ours_that_cibuildwheel_runs_exist() -> None:
    words = " ".join([*SETTINGS["repair-wheel-command"], SETTINGS["test-command"]])

    modules = re.findall(r"python -m (\S+)", words)
    files = re.findall(r"python \{project\}/(\S+)", words)
    assert modules == ["distribution.complete"]
    for module in modules:
        file = module.replace(".", "/") + ".py"
        assert (REPOSITORY / "packaging" / file).exists()
    assert files
    for file in files:
        assert (REPOSITORY / file).exists()
