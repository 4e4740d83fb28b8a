"""Of stacks that people call one fault, the smallest rule that makes them equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.config.rulesets import load_rulesets
from coresnap.errors import MissingError
from coresnap.store.groups.common_rule import CommonRule, NoRuleError, common_rule
from coresnap.store.groups.group_rule import group_rule
from coresnap.store.state.tables.groups import FINGERPRINTS
from store.groups.world import World, bug

DEEP = tuple(f"step{letter}" for letter in "abcdefghij")


def found(*stacks: tuple[str, ...]) -> CommonRule:
    return common_rule(stacks)


def sections(rule: CommonRule, directory: Path) -> list[tuple[str, str, str | bool]]:
    """Read the text as coresnap does: (name, pattern, new name or whether ignored)."""
    path = directory / "merged.conf"
    path.write_text(rule.text)
    (ruleset,) = load_rulesets([path])
    return [
        (one.name, one.function.pattern, one.rename or one.ignore)
        for one in ruleset.rules
        if one.function is not None
    ]


def test_a_frame_that_only_some_have_is_ignored(tmp_path: Path) -> None:
    rule = found(
        ("read", "open", "run", "main"), ("read", "check", "open", "run", "main")
    )
    assert [one[1:] for one in sections(rule, tmp_path)] == [("^check$", True)]
    assert rule.frames == ("read", "open", "run", "main")


def test_functions_in_one_place_get_one_name(tmp_path: Path) -> None:
    rule = found(("parse", "open", "run"), ("draw<int>", "open", "run"))
    ((_, pattern, new),) = sections(rule, tmp_path)
    assert (pattern, new) == ("^draw<int>$", "parse")
    assert rule.frames == ("parse", "open", "run")


def test_names_that_differ_in_numbers_let_the_next_number_come_too(
    tmp_path: Path,
) -> None:
    rule = found(("on_v1", "open", "run"), ("on_v22", "open", "run"))
    ((_, pattern, new),) = sections(rule, tmp_path)
    assert (pattern, new) == ("^on_v[0-9]+$", "on_vN")
    assert rule.frames == ("on_vN", "open", "run")


def test_what_is_beyond_the_frames_that_count_needs_no_rule(tmp_path: Path) -> None:
    rule = found(("x", *DEEP, "one"), (*DEEP, "other"))
    assert [one[1:] for one in sections(rule, tmp_path)] == [("^x$", True)]
    assert rule.frames == DEEP[:8]


def test_three_stacks_need_each_frame_that_differs_once(tmp_path: Path) -> None:
    rule = found(
        ("a", "b", "c", "run"), ("a", "x", "b", "c", "run"), ("a", "b", "y", "c", "run")
    )
    assert [one[1:] for one in sections(rule, tmp_path)] == [("^(?:x|y)$", True)]


def test_frames_in_another_order_are_ignored(tmp_path: Path) -> None:
    rule = found(("a", "b", "c", "run"), ("b", "a", "c", "run"))
    assert rule.frames in (("a", "c", "run"), ("b", "c", "run"))
    assert len(sections(rule, tmp_path)) == 1


@pytest.mark.parametrize(
    ("stacks", "said"),
    [
        ((("draw", "main"), ("parse", "main")), "no frame in common"),
        ((("a", "b"), ("x", "y")), "no frame in common"),
        ((("a", "b"), ()), "no frame in common"),
        ((("a", "b"), ("a", "b")), "read the same"),
        ((("a", "b"),), "one fingerprint"),
        ((("a", "." * 510, "c"), ("a", "c")), "too long"),
        (
            (
                ("a", "libx.so!1c:2a+0x4", "b", "c"),
                ("a", "libx.so!1c:2a+0x8", "b", "c"),
            ),
            "no name",
        ),
    ],
)
def test_where_there_is_no_rule_it_says_why(
    stacks: tuple[tuple[str, ...], ...], said: str
) -> None:
    with pytest.raises(NoRuleError, match=said):
        common_rule(stacks)


def test_a_very_long_list_of_names_is_several_rules(tmp_path: Path) -> None:
    stacks = [("a", f"{'n' * 300}{c}", "b", "c") for c in "uvwxyz"]
    rule = found(*stacks, ("a", "b", "c"))
    assert len(sections(rule, tmp_path)) > 1
    assert rule.frames == ("a", "b", "c")


def set_stack(world: World, kind: int, *frames: str, application: str = "") -> None:
    world.note(kind)
    values = {"callstack": list(frames)}
    with world.state.write() as connection:
        connection.execute(
            FINGERPRINTS.update()
            .where(
                FINGERPRINTS.c.project == world.project.id,
                FINGERPRINTS.c.fingerprint == bug(kind),
            )
            .values(values | ({"application": application} if application else {}))
        )


def test_a_merged_group_has_the_rule_of_its_fingerprints(world: World) -> None:
    set_stack(world, 0, "read", "open", "run")
    set_stack(world, 1, "read", "check", "open", "run")
    with world.state.read() as connection:
        alone = group_rule(connection, world.project, bug(0))
    assert (alone.rule, alone.fingerprints) == ("", (bug(0),))

    world.merge(0, 1)
    with world.state.read() as connection:
        merged = group_rule(connection, world.project, bug(1))
    assert merged.group == bug(0)
    assert set(merged.fingerprints) == {bug(0), bug(1)}
    assert "function = ^check$" in merged.rule
    assert not merged.reason


def test_faults_of_two_programs_never_have_one_fingerprint(world: World) -> None:
    set_stack(world, 0, "read", "open", "run")
    set_stack(world, 1, "read", "check", "open", "run", application="other")
    world.merge(0, 1)
    with world.state.read() as connection:
        merged = group_rule(connection, world.project, bug(0))
    assert not merged.rule
    assert "application" in merged.reason


def test_no_rule_of_a_group_that_is_not_there(world: World) -> None:
    with world.state.read() as connection, pytest.raises(MissingError):
        group_rule(connection, world.project, bug(0))
