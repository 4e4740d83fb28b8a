"""The workflow, which nobody here can run: its form, and that its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]
WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
COMMANDS = [".ci/run", "packaging/quickstart"]
MACHINE_INPUTS = {"release", "copyback", "run"}
"""Those that we use of vmactions/freebsd-vm, by its action.yml at the commit."""
SCRIPTS = [*COMMANDS, "tests/run"]


def jobs() -> dict[str, Any]:
    yaml = pytest.importorskip("ruamel.yaml", reason="no check-jsonschema")
    read = yaml.YAML(typ="safe").load(WORKFLOW)
    return dict(read["jobs"])


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs().items():
        for step in job["steps"]:
            yield name, step


def scripts(job: str) -> list[list[str]]:
    """The commands of a job in order, without what is the shell's."""
    texts = [
        step.get("run") or step.get("with", {}).get("run", "")
        for name, step in steps()
        if name == job
    ]
    lines = [shlex.split(line) for text in texts for line in text.splitlines()]
    lines = [line for line in lines if line[0] != "set"]
    return [line[1:] if line[0] == "sudo" else line for line in lines]


@pytest.mark.parametrize(
    "schema", ["github-workflows", "github-workflows-require-timeout"]
)
def test_the_workflow_is_one_by_the_schema(schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    program = [sys.executable, "-m", "check_jsonschema", "--no-cache"]
    options = [f"--builtin-schema=vendor.{schema}", str(WORKFLOW)]
    if schema.endswith("timeout"):
        options[0] = f"--builtin-schema=custom.{schema}"
    done = subprocess.run(
        [*program, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_others_wrote_is_pinned_by_its_commit() -> None:
    used = [step["uses"] for _, step in steps() if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action


@pytest.mark.parametrize("job", ["linux", "freebsd"])
def test_both_systems_run_the_same_commands(job: str) -> None:
    assert [line[0] for line in scripts(job)] == COMMANDS


def test_every_command_is_a_program_of_this_tree() -> None:
    for job in jobs():
        for command, *_ in scripts(job):
            assert os.access(REPOSITORY / command, os.X_OK), command


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sh(script: str) -> None:
    for shell in ("sh", "dash"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", REPOSITORY / script], check=True)


def test_expressions_name_what_the_matrix_has() -> None:
    for job in jobs().values():
        used = set(re.findall(r"\$\{\{ *matrix\.(\w+) *\}\}", str(job)))
        assert used == set(job.get("strategy", {}).get("matrix", {}))


def test_the_machine_is_told_nothing_that_it_does_not_know() -> None:
    given = [set(s["with"]) for _, s in steps() if "freebsd-vm" in s.get("uses", "")]
    assert given == [MACHINE_INPUTS]
