"""The laboratory: what the verdict says of programs whose fault is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.confusion import Row, confusion, totals
from lab.judging import Outcome
from lab.page import catalogue, generated, matrices, replace
from lab.session import VARIANTS, Variant, run_lab, why_not
from lab.truth import all_truths, read_truth

PAGE = Path(__file__).parent.parent.parent / "docs" / "classifiers.md"
TRUTHS = {truth.name: truth for truth in all_truths()}
OF_GLIBC = [name for name, truth in TRUTHS.items() if truth.of_glibc]
FEW = [("glibc", "symbols")]
SLOW = [variant for variant in VARIANTS if variant not in FEW]


def outcomes_of(variants: Sequence[Variant], directory: Path) -> list[Outcome]:
    """Run every program in ``variants``."""
    if reason := why_not(variants):
        pytest.skip(reason)
    return run_lab(list(TRUTHS.values()), variants, directory)


# --- the programs -------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(core_directory: Path) -> dict[str, Outcome]:
    """Every program once, with glibc and symbols."""
    return {outcome.name: outcome for outcome in outcomes_of(FEW, core_directory)}


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.gdb
@pytest.mark.libdw
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", OF_GLIBC)
def test_nothing_sure_that_is_said_of_a_program_is_wrong(
    name: str, outcomes: dict[str, Outcome]
) -> None:
    outcome = outcomes[name]
    assert outcome.failures == ()
    assert outcome.alarms == ()
    assert {one: outcome.wrong[one] for one in outcome.sure} == {}


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.gdb
@pytest.mark.libdw
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", OF_GLIBC)
def test_what_has_to_be_found_is_found_or_known_to_be_missing(
    name: str, outcomes: dict[str, Outcome]
) -> None:
    outcome = outcomes[name]
    lacking = {text.partition(" ")[0] for text in outcome.lacking}
    assert {*outcome.missing, *lacking} == set(TRUTHS[name].unfound)


@pytest.fixture(scope="module")
def all_outcomes(core_directory: Path) -> list[Outcome]:
    """Every program in every variant but the first one."""
    return outcomes_of(SLOW, core_directory)


@pytest.mark.slow
@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.gdb
@pytest.mark.libdw
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("variant", SLOW, ids=[", ".join(v) for v in SLOW])
def test_nothing_sure_is_wrong_in_any_variant(
    variant: Variant, all_outcomes: list[Outcome]
) -> None:
    outcomes = [o for o in all_outcomes if (o.allocator, o.form) == variant]
    assert len(outcomes) > 100
    assert [(o.name, o.failures) for o in outcomes if o.failures] == []
    assert [(o.name, o.alarms) for o in outcomes if o.alarms] == []
    assert [(o.name, o.wrong) for o in outcomes if o.sure] == []


# --- their truths -------------------------------------------------------------


def test_there_are_programs_of_all_kinds() -> None:
    kinds = [truth.kind for truth in TRUTHS.values()]
    assert kinds.count("crash") >= 80
    assert kinds.count("healthy") >= 10
    assert kinds.count("aborted") >= 20
    assert {truth.language for truth in TRUTHS.values()} == {
        *("C", "C++", "Rust", "Python")
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("// Does.\n//\n// must: null\n// why: so\n", "unknown key 'why'"),
        ("// Does.\n//\n// may: null\n", "a crash without a verdict"),
        ("// must: null\n", "says nothing about itself"),
        ("// Does.\n// must: null\n// never: null\n", "never and right: null"),
        ("// Does.\n// must: null\n// unfound: bus x\n", "nobody looks for it: bus"),
        ("// Does.\n// must: null\n// kind: odd\n", "unknown kind 'odd'"),
    ],
)
def test_a_truth_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    source = tmp_path / "program.c"
    source.write_text(f"{text}int x;\n")
    with pytest.raises(ValueError, match=problem):
        read_truth(source)


def test_an_allocator_has_a_truth_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "program.c"
    source.write_text(
        "// Does.\n//\n// must: a|b c\n// must junk: d\n// may: e.*\n"
        "// may jemalloc: f\n// only: glibc junk\n"
        "// unfound: c nobody looks\n//     yet\n"
    )
    truth = read_truth(source)
    assert truth.must("glibc") == (("a", "b"), ("c",))
    assert truth.must("junk") == (("d",),)
    assert truth.is_right("e.x", "glibc")
    assert truth.is_right("f", "junk")
    assert not truth.is_right("f", "glibc")
    assert not truth.goes_wrong_with("jemalloc")
    assert truth.unfound == {"c": "nobody looks yet"}


# --- the page -----------------------------------------------------------------

SEEN = [
    Outcome("x/a", "crash", "glibc", "symbols", hits={"null": "strong"}),
    Outcome("x/b", "crash", "glibc", "symbols", missing=("null|bus",)),
    Outcome("x/c", "crash", "glibc", "symbols", wrong={"null": "?"}, sure=("null",)),
    Outcome(
        "x/d", "healthy", "glibc", "symbols", wrong={"null": "?"}, alarms=("null",)
    ),
]


def test_outcomes_add_up_to_a_confusion_matrix() -> None:
    assert confusion(SEEN) == [
        Row("null", true_positive=1, false_negative=1, false_positive=2)
    ]
    found = totals(SEEN)
    assert (found.recall, found.wrong, found.sure, found.alarms) == (0.5, 2, 1, 1)


def test_the_page_has_a_table_for_each_allocator() -> None:
    text = matrices(SEEN, 4)
    assert "| glibc | symbols | 4 | 50 % of 2 | 2 | 1 | 1 | 0 |" in text
    assert "| `null` | 1 / 1 / 2 | 50 % | 33 % |" in text
    page = replace("a <!-- matrices: generated, do not edit --> b", "matrices", text)
    assert generated(page, "matrices") == text


def test_the_catalogue_of_the_page_is_what_the_rules_say() -> None:
    """``tests/lab/run --catalogue`` writes it."""
    assert generated(PAGE.read_text(), "catalogue") == catalogue()
