"""The whole-system test's own promises; the short run of it is one of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import attrs
import pytest

from system.comparison import Seen, compare
from system.ledger import Crash, Fate, Ledger
from system.report import Expectation, Report, lines, replace

RUN = Path(__file__).parent / "run"
SECOND = 10**9


def _ledger(*fates: Fate) -> Ledger:
    return Ledger(
        [
            Crash(f"program-{number}", 100 + number, 11, 7 * SECOND, fate, "sorts")
            for number, fate in enumerate(fates)
        ]
    )


def _seen(*numbers: int) -> Seen:
    names = {f"{number:032x}": f"program-{number}" for number in numbers}
    archive = {"core": False, "snapshot": True, "sending": {"state": "sent"}}
    counts = {"seen": len(names), "archived": len(names)}
    return Seen(
        {one: {"application": name, **archive} for one, name in names.items()},
        [
            {
                "object": one,
                "application": name,
                "process.id": 100 + int(name.rpartition("-")[2]),
                "timestamp": 6,
            }
            for one, name in names.items()
        ],
        " ".join(names),
        {
            "admission": {**counts, "suppressed": 0, "refused": 0, "kinds": []},
            "journal": {"failed": [], "refused": []},
        },
    )


def _unmet(ledger: Ledger, seen: Seen) -> list[str]:
    return [text for text, is_met, _ in compare(ledger, seen) if not is_met]


def test_what_all_agree_on_is_as_it_has_to_be() -> None:
    assert _unmet(_ledger(Fate.STORED, Fate.STORED), _seen(0, 1)) == []


def test_a_crash_that_the_store_does_not_have_is_found() -> None:
    (lost, *_) = _unmet(_ledger(Fate.STORED, Fate.STORED), _seen(0))
    assert lost == "each of 2 crashes has its fault in the store"


def test_a_fault_of_another_process_or_time_is_not_taken_for_it() -> None:
    seen = _seen(0)
    for change in ({"process.id": 99}, {"timestamp": 600}):
        faults = [{**seen.faults[0], **change}]
        unmet = _unmet(_ledger(Fate.STORED), attrs.evolve(seen, faults=faults))
        assert "each of 1 crashes has its fault in the store" in unmet
        assert "none is there that nobody made" in unmet


def test_a_fault_that_is_there_twice_is_found() -> None:
    seen = _seen(0)
    twice = attrs.evolve(seen, faults=seen.faults * 2)
    assert "no fault is there twice" in _unmet(_ledger(Fate.STORED), twice)


def test_what_only_one_side_knows_is_found() -> None:
    seen, ledger = _seen(0), _ledger(Fate.STORED)
    assert _unmet(ledger, attrs.evolve(seen, journal="")) == [
        "systemd's journal names each id"
    ]
    assert _unmet(ledger, attrs.evolve(seen, archives={})) == [
        "coresnap list has each under the same id"
    ]


def test_a_storm_of_which_one_is_not_accounted_for_is_found() -> None:
    ledger = _ledger(Fate.STORED)
    storm = Crash("storm", None, 11, 7 * SECOND, Fate.COUNTED, "sorts")
    ledger.crashes += [storm] * 3
    unmet = _unmet(ledger, _seen(0))
    assert "of 3 crashes of storm each is archived or counted" in unmet
    assert "coresnap status has counted every crash, and no other" in unmet


def test_the_report_says_what_is_not_met_and_what_was_seen() -> None:
    report = Report({"Debian": "12"}, seconds={"reset": 3.0})
    report.expectations = [
        Expectation("reset", "there is no half core", False, "big"),
        Expectation("reset", "the disk is clean", True, ""),
    ]
    assert "  FAILED there is no half core: big" in list(lines(report))
    assert report.failures == 1
    assert json.loads(json.dumps(report.as_json()))["failures"] == 1


def test_the_page_keeps_what_is_around_its_report() -> None:
    page = "before\n<!-- report -->\nold\n<!-- end of report -->\nafter\n"
    new = replace(page, ["Debian 12", ""])
    assert new.startswith("before\n")
    assert new.endswith("\nafter\n")
    assert "    Debian 12\n" in new
    assert "old" not in new


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.root
@pytest.mark.compiler
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("words", [["--short"], []], ids=["short", "whole"])
def test_a_whole_system_is_as_expected(words: list[str], tmp_path: Path) -> None:
    keep = ["--keep", str(tmp_path / "machine"), "--json"]
    done = subprocess.run([RUN, *words, *keep], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    report = json.loads(done.stdout)
    assert [one for one in report["expectations"] if not one["is_met"]] == []
    assert report["crashes"]
