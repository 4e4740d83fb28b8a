"""Files of rules for fingerprints: read as they are meant, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.config.rulesets import Ruleset, load_rulesets
from coresnap.errors import ConfigError, MissingError

WHOLE = """\
# what our house knows
[ruleset]
name = our house
languages = C, C++
systems = Linux
ordered = no
priority = 10

[rule logging]
function = ^log_
object = liblog\\.so
source = /log/
ignore = yes

[rule versions]
function = ^handle_(\\w+)_v[0-9]
rename = handle_\\1
sign = tenant, hostname
set.team = storage
"""


def read(tmp_path: Path, text: str, name: str = "rules.conf") -> tuple[Ruleset, ...]:
    file = tmp_path / name
    file.write_text(text)
    return load_rulesets([file])


def test_a_file_says_which_frames_and_what_is_done(tmp_path: Path) -> None:
    (found,) = read(tmp_path, WHOLE)

    assert (found.name, found.languages, found.systems) == (
        "our house",
        ("C", "C++"),
        ("Linux",),
    )
    assert (found.ordered, found.priority) == (False, 10)
    logging, versions = found.rules
    assert logging.ignore
    assert logging.source is not None
    assert versions.rename == "handle_\\1"
    assert versions.sign == ("tenant", "hostname")
    assert versions.set == (("team", "storage"),)


def test_a_directory_is_read_by_priority_and_name_without_what_is_disabled(
    tmp_path: Path,
) -> None:
    rule = "[rule one]\nfunction = x\nignore = yes\n"
    (tmp_path / "a.conf").write_text(rule)
    (tmp_path / "b.conf").write_text(f"[ruleset]\npriority = 1\n{rule}")
    (tmp_path / "c.conf").write_text(f"[ruleset]\nenabled = no\n{rule}")
    (tmp_path / "README").write_text("not a rule")

    assert [one.name for one in load_rulesets([tmp_path])] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[rules]\n", 1, "neither [ruleset] nor [rule NAME]"),
        ("[rule]\n", 1, "neither [ruleset] nor [rule NAME]"),
        ("[rule a]\nignore = yes\n", 1, "needs a function, an object or a source"),
        ("[rule a]\nfunction = (\n", 2, "no regular expression"),
        ("[rule a]\nfunction = (a+)+$\n", 2, "may take for ever"),
        ("[rule a]\nfunction = a\nfunction = b\n", 3, "stands here twice"),
        ("[rule a]\nfunction = a\nignore = perhaps\n", 3, "is not one of true"),
        ("[rule a]\nfunction = a\nforget = yes\n", 3, "no rule has `forget"),
        ("[rule a]\nfunction = a\nrename = \\2\n", 1, "no replacement"),
        ("[rule a]\nobject = a\nrename = \\1\n", 1, "no replacement"),
        ("[rule a]\nfunction = a\nsign = Not This\n", 3, "no attribute"),
        ("[rule a]\nfunction = a\nset.fingerprint.late = 1\n", 3, "no attribute"),
        ("[ruleset]\npriority = high\n", 2, "no ruleset has `priority"),
        ("function = a\n", 1, "before the first"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert f"rules.conf:{line}: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        load_rulesets([tmp_path / "nothing"])
