"""What pointers to one block say against each other."""

from __future__ import annotations

from typing import Any

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules.aliases import RULES
from coresnap.analysis.classify.verdict import Verdict, judge, judge_again
from coresnap.model import Alias, Block, Variable
from coresnap.model import VariableKind as Kind

from ..cases import access, case, concluded
from ..heaps import heaps

LIVE = Block(0x5000_02A0, 24, "live", "glibc")
FREE = Block(0x5000_0300, 24, "free", "glibc")


def crash(base: int = LIVE.address, **fields: Any) -> Case:  # noqa: ANN401 - of Case
    return case(
        11,
        1,
        0x9000,
        heaps=heaps(LIVE, FREE),
        registers={"rax": base},
        instruction=access("rax"),
        **fields,
    )


def alias(type_: str, remark: str | None = "type conflict: another") -> Alias:
    return Alias("variable", "p", LIVE.address, 0, type=type_, remark=remark)


def structure(size: int, at: int = LIVE.address) -> Variable:
    members = tuple(
        Variable(f"m{n}", "long", Kind.MEMBER, value=0, address=at + 8 * n)
        for n in range(size // 8)
    )
    target = Variable("*", "struct job", Kind.TARGET, members=members, address=at)
    return Variable("job", "struct job *", Kind.LOCAL, value=at, target=target)


def test_aliases_of_unrelated_types_tell_of_a_stale_one() -> None:
    both = [alias("struct a *"), alias("struct b *")]
    assert concluded(crash(aliases=both), *RULES) == {"stale-pointer": "probable"}


def test_one_type_or_no_conflict_tells_nothing() -> None:
    assert concluded(crash(aliases=[alias("struct a *")] * 2), *RULES) == {}
    calm = [alias("struct a *", None), alias("struct b *", None)]
    assert concluded(crash(aliases=calm), *RULES) == {}
    elsewhere = crash(FREE.address, aliases=[alias("struct a *"), alias("struct b *")])
    assert concluded(elsewhere, *RULES) == {}


def test_a_block_smaller_than_what_its_pointer_points_to() -> None:
    small = crash(variables=[structure(32)])
    assert concluded(small, *RULES) == {"type-violation": "probable"}
    assert concluded(crash(variables=[structure(24)]), *RULES) == {}
    freed = crash(variables=[structure(32, FREE.address)])
    assert concluded(freed, *RULES) == {}


def test_the_second_round_adds_to_the_first() -> None:
    found = crash(aliases=[alias("struct a *"), alias("struct b *")])
    verdict = judge_again(found, judge(found))
    assert [c.name for c in verdict.classifiers][-1] == "segv"
    assert "stale-pointer" in {c.name for c in verdict.classifiers}
    assert judge_again(crash(), Verdict()).classifiers == ()
