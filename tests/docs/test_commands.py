"""Every command that a page shows is typed, and ends as it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import SOURCES
from docs.pages import REPOSITORY, TODAY, Rule, rules, steps
from docs.world import World, running_world, why_no_world
from kernel import kernel_core
from shortpath import short_directory

RULES = rules()
NAMES = [page.relative_to(REPOSITORY).as_posix() for page in TODAY]


def rule_of(page: str, command: str) -> Rule | None:
    """What ``commands.toml`` says of a command of a page."""
    for rule in RULES:
        if rule.command.fullmatch(command) and re.fullmatch(rule.pages, page):
            return rule
    return None


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    import subprocess

    with short_directory() as directory:
        program = directory / "simple"
        source = SOURCES / "simple.c"
        flags = ("-g", "-O0", "-pthread")
        subprocess.run(["cc", *flags, "-o", program, source], check=True)
        core = kernel_core([program], directory)
        with running_world(core, program) as made:
            yield made


def planned(page: Path, name: str) -> list[tuple[dict[str, Any], Rule | None]]:
    """The steps that are taken for a page, and what is known of them."""
    plan: list[tuple[dict[str, Any], Rule | None]] = []
    for what, text in steps(page):
        rule = rule_of(name, text) if what == "type" else None
        if rule is not None and rule.kind == "not_run":
            continue
        serves = rule is not None and rule.kind == "serves"
        asks = re.search(r"\bcoroner (?!serve|reindex|config)", text) is not None
        step = {
            "what": what,
            "text": text,
            "until": rule.until if rule is not None and serves else "",
            "store": asks and "--data" not in text,
        }
        plan.append((step, rule))
    return plan


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.netns
@pytest.mark.parametrize(
    ("page", "name"), list(zip(TODAY, NAMES, strict=True)), ids=NAMES
)
def test_every_command_of_a_page_does_what_it_should(
    page: Path, name: str, request: pytest.FixtureRequest
) -> None:
    plan = planned(page, name)
    if not plan:
        return
    if reason := why_no_world():
        pytest.skip(reason)
    world: World = request.getfixturevalue("world")
    outcomes = world.read([step for step, _ in plan])

    wrong = []
    for (step, rule), outcome in zip(plan, outcomes, strict=False):
        expected = rule.exit if rule is not None else 0
        if outcome.exit != expected:
            said = outcome.said.strip()[-2000:]
            wrong.append(f"$ {step['text']}\n{said}\n[exit {outcome.exit}]")
    if len(outcomes) != len(plan):
        wrong.append(f"{len(plan) - len(outcomes)} steps were not taken")
    assert not wrong, "\n\n".join([name, *wrong])


def test_every_exception_is_needed_and_has_a_reason() -> None:
    shown = [
        (name, text)
        for page, name in zip(TODAY, NAMES, strict=True)
        for what, text in steps(page)
        if what == "type"
    ]
    for rule in RULES:
        assert rule.kind in {"not_run", "fails", "serves"}
        assert len(rule.reason) > 10, rule
        assert any(
            rule.command.fullmatch(text) and re.fullmatch(rule.pages, name)
            for name, text in shown
        ), f"no page has it: {rule.command.pattern}"
