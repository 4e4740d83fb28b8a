"""The commands of groups, against a real server."""

from __future__ import annotations

import time
from pathlib import Path

from coresnap.analysis.fingerprint import fingerprint
from coresnap.config.rulesets import load_rulesets
from coresnap.model import Frame, Trust
from coresnap.store.api.group_changes import Resolution
from coresnap.store.api.until import (
    AllUntil,
    AttributeUntil,
    CountUntil,
    HostsUntil,
    TimeUntil,
    VersionUntil,
)
from coresnap.views.cli.coroner.change_words import change_of, is_change

from .bench import Coroner, group

EX_USAGE, EX_NOINPUT = 2, 66


def test_a_group_is_resolved_and_a_later_version_reopens_it(coroner: Coroner) -> None:
    coroner.put(7, version="1.2.3")
    said = coroner.run(
        "set", "blackhole", group(7), "state=resolved", "assignee=kim", "tags+=net,disk"
    )
    assert said == "1 of 1 groups changed\n"
    assert not coroner.put(7, version="1.2.3").is_regression
    assert coroner.put(7, version="1.3").is_regression

    shown = coroner.run("group", "blackhole", group(7))
    assert "State        open since" in shown
    assert "Assignee     kim" in shown
    assert "Tags         disk net" in shown
    assert 'version "1.3" > "1.2.3" (semver)' in shown.replace("\\", "")
    answer = coroner.json("group", "blackhole", group(7))
    assert (answer["state"], answer["reopened"], answer["count"]) == ("open", 1, 3)


def test_groups_that_a_filter_chooses_are_counted_before_they_are_changed(
    coroner: Coroner,
) -> None:
    coroner.put(1)
    coroner.put(2)
    words = ("set", "blackhole", "--filter=application=simple", "tags+=net")
    refused = coroner.run(*words, code=EX_USAGE)
    assert "2 groups would be changed" in refused
    assert coroner.run(*words, "--dry-run").split() == [group(1), group(2)]
    assert coroner.run(*words, "--yes") == "2 of 2 groups changed\n"
    assert coroner.run(*words, "--yes") == "0 of 2 groups changed\n"


def test_words_that_cannot_be_understood_say_what_can(coroner: Coroner) -> None:
    coroner.put(1)
    for words, part in (
        (("state=resolved",), "either ids or a filter"),
        ((group(1),), "nothing is to be changed"),
        ((group(1), "colour=red"), "nothing that can be changed"),
        ((group(1), "state=gone"), "would not take that"),
        ((group(1), "state=muted"), "a mute needs an end"),
    ):
        said = coroner.run("set", "blackhole", *words, code=EX_USAGE)
        assert part in said
    assert "no group" in coroner.run(
        "set", "blackhole", "abcdef", "assignee=kim", code=EX_NOINPUT
    )


def test_groups_are_merged_and_unmerged_by_pasted_ids(coroner: Coroner) -> None:
    coroner.put(1)
    coroner.put(2)
    said = coroner.run("merge", "blackhole", group(1), group(2), "--reason", "twins")
    assert "has 2 faults of 2 groups" in said
    assert coroner.json("group", "blackhole", group(2))["id"] == group(1)
    assert coroner.put(2).group == group(1)

    said = coroner.run("unmerge", "blackhole", group(1), group(2))
    assert "keeps 1 faults" in said
    back = coroner.json("group", "blackhole", group(2))
    assert (back["id"], back["count"]) == (group(2), 2)
    assert [line["why"] for line in back["history"]] == ["twins", ""]


def test_what_is_similar_unusual_and_introduced_is_printed(coroner: Coroner) -> None:
    for number in range(12):
        kind = 1 + number % 2
        coroner.put(kind, version="2.0" if kind == 1 else "1.0")

    near = coroner.run("similar", "blackhole", group(1), "--explain")
    assert near.startswith(f"0.000  {group(2)[:16]}")
    unusual = coroner.run("group", "blackhole", group(1), "--unusual")
    assert "never elsewhere  version=2.0" in " ".join(unusual.split()).replace(
        "elsewhere version", "elsewhere  version"
    )
    began = coroner.run("group", "blackhole", "--introduced-by", "version=2.0")
    assert began.startswith(f"{group(1)[:16]}  6 faults")


def test_comments_and_versions_are_set(coroner: Coroner) -> None:
    coroner.put(1)
    said = coroner.run("group", "blackhole", group(1), "--comment", "new\x1b driver")
    assert "new\\e driver" in said
    said = coroner.run(
        "group", "blackhole", "--versions", "package", "--scheme", "dpkg"
    )
    assert said == "versions are in package, ordered by dpkg\n"
    coroner.run("group", "blackhole", code=EX_USAGE)


def test_a_group_is_explained_by_its_latest_snapshot(coroner: Coroner) -> None:
    coroner.put(1)
    answer = coroner.json("explain", "blackhole", group(1))
    assert answer["application"] == "simple"
    assert answer["fingerprint_recorded"] == group(1)


def test_reprocessing_says_what_it_would_do_before_it_does_it(
    coroner: Coroner,
) -> None:
    for kind in (1, 2, 2):
        coroner.put(kind)
    coroner.run("set", "blackhole", group(1), "tags+=kept")
    said = coroner.run("reprocess", "blackhole")
    assert "3 faults: 2 groups -> 1 groups" in said
    assert coroner.json("group", "blackhole", group(2))["count"] == 2

    assert coroner.run("reprocess", "blackhole", "--apply") == "3 faults moved\n"
    coroner.live.wait_until_indexed()
    whole = coroner.json("group", "blackhole", group(2))
    assert (whole["id"], whole["count"], whole["tags"]) == (group(1), 3, ["kept"])
    assert "no fingerprint changes" in coroner.run("reprocess", "blackhole")
    assert coroner.run("reprocess", "blackhole", "--discard") == ""


def test_conditions_are_read_as_they_are_written() -> None:
    change = change_of(
        [
            "state=muted",
            "until-version=1.2",
            "until=version>1.3",
            "until-count=5",
            "until=hosts=3",
            "until=version>=2 && hostname~^prod",
            "until-time=2w",
        ]
    )
    *others, moment = change.until
    assert others == [
        VersionUntil("1.2"),
        VersionUntil("1.3", or_equal=False),
        CountUntil(5),
        HostsUntil(3),
        AllUntil((VersionUntil("2"), AttributeUntil("hostname", "^prod"))),
    ]
    assert isinstance(moment, TimeUntil)
    assert abs(moment.time - time.time() - 14 * 24 * 3600) < 60
    next_one = change_of(["state=resolved", "until=next"])
    assert next_one.resolution is Resolution.NEXT
    assert is_change("tags+=a")
    assert not is_change("4f1c9a")


def test_a_merge_is_offered_as_a_rule(coroner: Coroner, tmp_path: Path) -> None:
    for number, stack in enumerate(
        (("read", "open", "run"), ("read", "check", "open", "run")), 1
    ):
        coroner.put_stack(number, *stack)
    said = coroner.run("merge", "blackhole", group(1), group(2))
    assert f"coroner merge blackhole {group(1)[:16]} --rule" in said

    path = tmp_path / "merged.conf"
    path.write_text(coroner.run("merge", "blackhole", group(2), "--rule"))
    (ruleset,) = load_rulesets([path])
    (rule,) = ruleset.rules
    assert rule.function is not None
    assert (rule.function.pattern, rule.ignore) == ("^check$", True)
    answer = coroner.json("merge", "blackhole", group(1), "--rule")
    assert answer["frames"] == ["read", "open", "run"]
    assert answer["fingerprints"] == [group(1), group(2)]

    # The code that makes fingerprints has the last word.
    digests = set()
    for functions in (("read", "open", "run"), ("read", "check", "open", "run")):
        frames = [Frame(pc=0, trust=Trust.CFI, function=name) for name in functions]
        digests.add(fingerprint("simple", "SIGSEGV", frames, None, [ruleset]).digest)
    assert len(digests) == 1


def test_where_no_rule_makes_one_group_a_merge_says_why(coroner: Coroner) -> None:
    coroner.put_stack(1, "draw", "main")
    coroner.put_stack(2, "parse", "main")
    said = coroner.run("merge", "blackhole", group(1), group(2), "--rule")
    assert said.startswith("# No rule")
    assert "no frame in common" in said
    coroner.run("merge", "blackhole", group(1), code=EX_USAGE)
