"""``coroner list``: all that it prints of what it knows, at a time that is fixed."""

from __future__ import annotations

import csv
import io
import json
import time
from types import SimpleNamespace

import pytest

from coresnap.views.cli.coroner import group_list, group_query, query_options

from .bench import Coroner, group

NOW = 1_700_006_400  # Wed Nov 15 00:00:00 2023
DAY = 86400
EX_USAGE, EX_TEMPFAIL = 2, 75


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is NOW, where the list is made."""
    fixed = SimpleNamespace(**{**vars(time), "time": lambda: NOW + 0.5})
    for module in (group_list, group_query, query_options):
        monkeypatch.setattr(module, "time", fixed)


def test_the_whole_text_of_a_list(coroner: Coroner) -> None:
    long = "std::vector<int, std::allocator<int> >"
    stack = "\n".join(["raise", *(f"{long}::f_{n}" for n in "abc")])
    for age, kind in ((40, 1), (2, 1), (2, 1), (0, 1), (1, 2)):
        coroner.put(
            kind,
            timestamp=NOW - age * DAY,
            hostname="a" if kind == 1 and age else "b",
            application="simple" if kind == 1 else "other",
            callstack=stack if kind == 1 else "main",
            classifiers="null write" if kind == 1 else "",
        )
    coroner.run("set", "blackhole", group(2), "assignee=kim")

    assert coroner.run("list", "blackhole", "-i2").splitlines() == [
        f"[{group(1)}]",
        "  Date: Fri Oct  6 00:00:00 2023 - Wed Nov 15 00:00:00 2023",
        "  Occurrences: 4 (over 40 days)",
        f"  Oct 17 : {' ' * 27}█ ▄ : Nov 15",
        "  Attributes:",
        "    hostname (2 buckets)",
        f"      {'a':<44}       3  75.00% ███████████",
        f"      {'b':<44}       1  25.00% ████",
        "    application (1 buckets)",
        f"      {'simple':<44}       4 100.00% ███████████████",
        "  Classification:",
        "    null (4 buckets)",
        "    write (4 buckets)",
        "  Frames:",
        "    raise ← std::vector<int>::f_a ← std::vector<int>::f_b ←",
        "    std::vector<int>::f_c",
        "  Objects:",
        f"    [{4:032x}] (Wed Nov 15 00:00:00 2023)",
        "      Classification: null write",
        "      Attributes: hostname=b application=simple",
        f"    [{3:032x}] (Mon Nov 13 00:00:00 2023)",
        "      Classification: null write",
        "      Attributes: hostname=a application=simple",
        f"[{group(2)}]",
        "  Date: Tue Nov 14 00:00:00 2023 - Tue Nov 14 00:00:00 2023",
        "  Occurrences: 1 (over 0 days)",
        f"  Oct 17 : {' ' * 28}█  : Nov 15",
        "  State: new, in-progress, assigned to kim",
        "  Attributes:",
        "    hostname (1 buckets)",
        f"      {'b':<44}       1 100.00% ███████████████",
        "    application (1 buckets)",
        f"      {'other':<44}       1 100.00% ███████████████",
        "  Frames:",
        "    main",
        "  Objects:",
        f"    [{5:032x}] (Tue Nov 14 00:00:00 2023)",
        "      Attributes: hostname=b application=other",
    ]
    full = coroner.run("list", "blackhole", "-H1", "--frames-full")
    assert f"raise ← {long}::f_a ←" in full


@pytest.fixture
def three(coroner: Coroner) -> Coroner:
    """Three groups of 3, 2 and 1 faults; the smallest is the most recent one."""
    for kind, count, age in ((1, 3, 9), (2, 2, 5), (3, 1, 0)):
        for number in range(count):
            coroner.put(
                kind,
                timestamp=NOW - age * DAY,
                hostname=f"host-{number}",
                version=f"{kind}.0",
                **{"vm.rss.size": kind << 20},
            )
    return coroner


def ids(output: str) -> list[str]:
    return [line[1:-1] for line in output.splitlines() if line.startswith("[")]


def test_the_most_frequent_come_first_or_the_most_recent(three: Coroner) -> None:
    assert ids(three.run("list", "blackhole")) == [group(1), group(2), group(3)]
    recent = three.run("list", "blackhole", "-R", "-H2")
    assert ids(recent) == [group(3), group(2)]
    assert recent.splitlines()[-1] == "1 more group: --offset 2 shows what follows"
    rest = three.run("list", "blackhole", "-R", "-H2", "--offset", "2")
    assert ids(rest) == [group(1)]
    assert "more group" not in rest
    assert "-H is at least 1" in three.run("list", "blackhole", "-H0", code=EX_USAGE)


def test_folds_are_printed_in_the_order_in_which_they_stand(three: Coroner) -> None:
    words = ("--range=vm.rss.size", "--unique=hostname", "--head=version")
    out = three.run("list", "blackhole", "--factor=application", *words)
    assert out.splitlines() == [
        "simple  6",
        "  range(vm.rss.size): 1.0 MB … 3.1 MB",
        "  unique(hostname): 3",
        "  head(version): 1.0",
    ]
    out = three.run("list", "blackhole", "--factor=application", "--histogram=version")
    assert out.splitlines()[:3] == [
        "simple  6",
        "  histogram(version):",
        f"    {'1.0':<44}       3  50.00% ████████",
    ]


def test_an_answer_is_a_table_or_comma_separated_too(three: Coroner) -> None:
    words = ("list", "blackhole", "--factor=version", "--unique=hostname")
    rows = list(csv.reader(io.StringIO(three.run(*words, "--csv"))))
    assert rows == [
        ["version", "count", "unique:hostname"],
        ["1.0", "3", "3"],
        ["2.0", "2", "2"],
        ["3.0", "1", "1"],
    ]
    table = three.run(*words, "--table").splitlines()
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in table[3:-1]]
    assert cells == [row for row in rows[1:]]
    assert [c.strip() for c in table[1].split("┃")[1:-1]] == [
        "version",
        "count",
        "unique(hostname)",
    ]


HOSTILE = "\x1b]0;owned\x07\u202efdp.exe\n[0000] a line\r\x9b31m\x7f"
RAW = ("\x1b", "\x07", "\u202e", "\r", "\x9b", "\x7f", "\n[0000] a line")


PRINTED = (
    "list -i1",
    "list --factor=application --histogram=hostname --head=hostname",
    "list --factor=application --range=application",
    "list --select=application --select=hostname",
    "list --select=hostname --table",
    "list --factor=hostname --table --histogram=application",
    "list --factor=hostname --histogram=application --csv",
    "list --select=hostname --csv",
    "list --json",
    f"group {group(1)}",
    f"similar {group(1)}",
    "describe",
    "export",
    "export --csv --select=hostname",
)


def test_what_a_process_chose_never_reaches_the_terminal_raw(
    coroner: Coroner,
) -> None:
    for kind in (1, 2):
        coroner.put(
            kind,
            application=HOSTILE,
            hostname=HOSTILE,
            classifiers="\x1b[2J",
            callstack="\x1b[31mmain\u202e",
        )
    for words in map(str.split, PRINTED):
        answer = coroner.answer(words[0], "blackhole", *words[1:])
        assert answer.code == 0, answer.error
        assert answer.output
        # In comma-separated values a line within quotes is one (RFC 4180).
        for raw in RAW[:-1] if "--csv" in words else RAW:
            printed = answer.output.replace("\r\n", "\n") + answer.error
            assert raw not in printed, (words, ascii(raw))


def test_a_group_is_new_in_the_interval_of_its_first_crash(three: Coroner) -> None:
    def badges(*words: str) -> dict[str, list[str]]:
        answer = three.json("list", "blackhole", *words)
        return {one["key"][0]: one["badges"] for one in answer["groups"]}

    assert badges() == {group(1): [], group(2): [], group(3): ["new"]}
    assert badges("--age=6d") == {group(2): ["new"], group(3): ["new"]}
    assert badges("--time=2023-11-01..2023-11-08") == {group(1): ["new"]}
    # Only one of its faults is in the interval, and that is not the first.
    three.put(1, timestamp=NOW - 60, hostname="host-9")
    assert badges("--age=1h") == {group(1): [], group(3): ["new"]}


def test_what_comes_back_is_marked_with_its_reason(
    coroner: Coroner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the store does it does now.
    for module in (group_list, group_query, query_options):
        monkeypatch.setattr(module, "time", time)
    old = int(time.time()) - 3 * DAY
    for kind in (1, 2, 3):
        coroner.put(kind, timestamp=old, version="1.2")
    coroner.run("set", "blackhole", group(1), "state=resolved")
    coroner.run("set", "blackhole", group(2), "state=muted", "until-count=1")
    assert "State: resolved" in coroner.run("list", "blackhole")
    coroner.put(1, version="1.3", timestamp=old + DAY)
    coroner.put(2, version="1.2", timestamp=old + DAY)

    states = [
        line
        for line in coroner.run("list", "blackhole").splitlines()
        if line.startswith("  State: ")
    ]
    assert [line.partition(" (fault ")[0] for line in sorted(states)] == [
        "  State: its mute has ended",
        "  State: regressed",
    ]
    assert 'version "1.3" > "1.2" (semver)' in "".join(states)
    answer = coroner.json("list", "blackhole")
    assert {one["key"][0]: one["badges"] for one in answer["groups"]} == {
        group(1): ["regressed"],
        group(2): ["mute-ended"],
        group(3): [],
    }
    coroner.run("set", "blackhole", group(1), "state=resolved")
    assert "regressed" not in coroner.run("list", "blackhole")


def test_a_question_that_nothing_answers_says_so_beside_the_output(
    three: Coroner,
) -> None:
    for words in (
        ("--filter=version=9",),
        ("--filter=version=9", "--select=object"),
        ("--factor=version", "--filter=version=9", "--csv"),
    ):
        answer = three.answer("list", "blackhole", *words)
        assert answer.code == 0
        assert answer.error == "coroner: no fault of cf/blackhole was chosen\n"
    beyond = three.answer("list", "blackhole", "--offset=9")
    assert beyond.error == "coroner: cf/blackhole: none of 3 is shown\n"
    assert "zzz" in three.answer("describe", "blackhole", "zzz").error


def test_any_error_is_json_where_json_is_asked_for(three: Coroner) -> None:
    for words, code in (
        (("list", "nowhere"), 66),
        (("list", "blackhole", "--filter=timestamp=soon"), EX_USAGE),
        (("list", "blackhole", "-H0"), EX_USAGE),
        (("list", "blackhole", "--token", "ab" * 32), 77),
        (("group", "blackhole", "abcdef"), 66),
        (("get", "blackhole", "zz"), EX_USAGE),
    ):
        answer = three.answer(*words, "--json")
        assert answer.code == code, words
        told = json.loads(answer.output)["error"]
        assert told["exit_code"] == code
        assert told["message"] in answer.error
