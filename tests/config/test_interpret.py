"""What a text says, and all that is wrong with it."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.config import Policy, Rate, Share
from coresnap.config.interpret import Reading, interpret
from coresnap.config.settings import APPLICATION_SETTINGS

DAY = 86400


def understood(text: str) -> Reading:
    reading = interpret(text)
    assert reading.errors == ()
    return reading


def only_error(text: str) -> tuple[int, str, str]:
    (error,) = interpret(text).errors
    return error.line, error.message, error.remedy


# --- values -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "field", "wanted"),
    [
        ("limit.logical = none", "limit_logical", None),
        ("limit.physical = 7 kB", "limit_physical", 7000),
        ("important.first = none", "important_first", None),
        ("parked.budget = 500ms", "parked_budget", 500),
        ("parked.budget = 3s", "parked_budget", 3000),
        ("parked.budget = none", "parked_budget", 0),
        ("storm.rate = none", "storm_rate", Rate(0, 1)),
        ("storm.rate = 3 / 2h", "storm_rate", Rate(3, 7200)),
        ("storm.remember = 2d", "storm_remember", 2 * DAY),
        ("modules.keep = all", "modules_keep", "all"),
    ],
)
def test_a_value_of_the_archive_is_parsed(
    line: str, field: str, wanted: object
) -> None:
    assert getattr(understood(f"[archive]\n{line}\n").config, field) == wanted


@pytest.mark.parametrize(
    ("line", "field", "wanted"),
    [
        ("purge.size = none", "purge_size", None),
        ("purge.size = 10GB", "purge_size", 10**10),
        ("purge.size = 20%", "purge_size", Share(20)),
        ("purge.sending.age = none", "purge_sending_age", None),
        ("keep.first = 3", "keep_first", 3),
        ("keep.last = 0", "keep_last", 0),
    ],
)
def test_a_value_of_the_daemon_is_parsed(line: str, field: str, wanted: object) -> None:
    assert getattr(understood(f"[daemon]\n{line}\n").config, field) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "limit.logical = 0",
        "limit.logical = None",
        "limit.physical = 99999999TiB",
        "parked.budget = 0ms",
        "parked.budget = 41d",
        "parked.budget = 5",
        "storm.rate = 10",
        "storm.rate = 0/10m",
        "storm.rate = 10/0m",
        "storm.rate = 10/10",
        "storm.remember = 999999999d",
        "storm.remember = none",
        "door.socket = /" + "x" * 107,
        "keep = everything",
        "defaults.command = bin/defaults",
        "environ.allow = A, B\tC",
    ],
)
def test_a_value_that_makes_no_sense_is_refused(line: str) -> None:
    number, message, remedy = only_error(f"[archive]\n{line}\n")

    assert number == 2
    assert message.startswith(f"[archive] {line.partition(' ')[0]}: ")
    assert remedy.startswith("Default: ")


def test_the_general_age_is_the_default_of_those_that_are_not_given() -> None:
    config = understood(
        "[daemon]\npurge.sending.age = 3d\npurge.age = 7d\n"
        "[application /a]\npurge.age = none\npurge.assets.age = 1d\n"
    ).config

    assert config.purge_age == 7 * DAY
    assert config.purge_pending_age == 7 * DAY
    assert config.purge_sending_age == 3 * DAY
    assert config.purge_assets_age == 7 * DAY
    policy = config.policy_for("/a")
    assert policy.purge_pending_age is None
    assert policy.purge_sending_age is None
    assert policy.purge_assets_age == DAY


# --- applications -------------------------------------------------------------


def test_the_first_section_that_matches_counts_alone() -> None:
    config = understood(
        "[archive]\nkeep = stacks\nparked.budget = 1s\n"
        "[application /usr/bin/a*]\nkeep = notes\n"
        "[application /usr/*]\nkeep = record\nproject = system\n"
    ).config

    assert config.policy_for("/usr/bin/awk").keep == "notes"
    assert config.policy_for("/usr/bin/awk").project is None
    assert config.policy_for("/usr/bin/awk").parked_budget == 1000
    assert config.policy_for("/usr/bin/vim").keep == "record"
    assert config.policy_for("/usr/bin/vim").project == "system"
    assert config.policy_for("/bin/vim").keep == "stacks"
    assert config.rules_for("/bin/vim") is None


def test_every_setting_of_an_application_is_in_its_policy() -> None:
    fields = {field.name for field in attrs.fields(Policy)}
    named = {setting.attribute for setting in APPLICATION_SETTINGS}

    assert named - {"purge_age"} == fields


def test_a_pattern_may_hold_blanks_and_brackets() -> None:
    config = understood("[application /opt/my app/[ab] x]\nkeep = notes\n").config

    assert config.policy_for("/opt/my app/b x").keep == "notes"


@pytest.mark.parametrize(
    ("text", "line", "reason", "remedy"),
    [
        ("[application]\n", 1, "'' is not a printable pattern", "Write for"),
        ("[application a\x1bb]\n", 1, "control character", "UTF-8"),
        ("[application /a]\nroot = /b\n", 2, "no such setting", "no application's"),
        ("[application /a]\nkepe = x\n", 2, "no such setting", "mean keep?"),
        ("[application /a]\n[application /a]\n", 2, "after line 1", ""),
        ("[aplication /a]\nkeep = x\n", 1, "no section", "mean [application]?"),
        ("[archive /a]\nkeep = x\n", 1, "no section [archive /a]", "[archive]?"),
        ("[deamon]\nuser = x\n", 1, "no section [deamon]", "mean [daemon]?"),
        ("[]\nuser = x\n", 1, "names no section", ""),
        ("[daemon\nuser = x\n", 1, "names no section", ""),
        ("[daemon] x\n", 1, "names no section", ""),
        ("[daemon]\nprge.age = 1d\n", 2, "no such setting", "mean purge.age?"),
        ("[analysis]\npurge.agee = 1d\n", 2, "setting", "in section [daemon]?"),
        ("[analysis]\nzzz = 1d\n", 2, "setting", "Here may stand: sysroot"),
        ("[analysis]\n= 1d\n", 2, "no such setting", ""),
    ],
)
def test_a_line_that_makes_no_sense_is_named_once_with_a_remedy(
    text: str, line: int, reason: str, remedy: str
) -> None:
    found = only_error(text)

    assert found[0] == line
    assert reason in found[1]
    assert remedy in found[2]


def test_every_error_is_found_by_line() -> None:
    reading = interpret(
        "loose = 1\n"
        "[daemon]\n"
        "user = ../x\n"
        "nonsense\n"
        "socket = /a\n"
        "socket = /b\n"
        "[nowhere]\n"
        "[archive]\n"
        "keep = all\n"
    )

    assert [error.line for error in reading.errors] == [1, 3, 4, 6, 7, 9]
    assert str(reading.config.socket) == "/a"
    assert reading.config.keep == "full"


def test_a_key_may_be_indented_and_is_a_key_all_the_same() -> None:
    config = understood("[daemon]\nkeep.first = 1\n  keep.last = 2\n").config

    assert (config.keep_first, config.keep_last) == (1, 2)


@given(st.text(max_size=300))
def test_any_text_gives_a_configuration_and_problems_of_its_lines(text: str) -> None:
    reading = interpret(text)

    assert reading.config is not None
    for problem in reading.problems:
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 1
