"""Which types can be views of one object, and which cannot."""

from __future__ import annotations

from coresnap.analysis.aliases.held import Held
from coresnap.analysis.aliases.type_conflicts import (
    reaches_beyond,
    type_conflicts,
    types_conflict,
)
from coresnap.model import Variable
from coresnap.model import VariableKind as Kind

COUNT = Variable("count", "int", Kind.MEMBER, value=1, address=0x1000)
NAME = Variable("name", "char *", Kind.MEMBER, value=0x2000, address=0x1008)
LENGTH = Variable("length", "unsigned long", Kind.MEMBER, value=5, address=0x1000)


def pointer(kind: str, *members: Variable, dynamic: str | None = None) -> Variable:
    target = Variable(
        "*",
        kind,
        Kind.TARGET,
        members=members,
        address=0x1000,
        dynamic_type=dynamic,
    )
    return Variable("p", f"{kind} *", Kind.LOCAL, value=0x1000, target=target)


def test_two_structures_that_begin_unlike() -> None:
    one, other = pointer("struct a", COUNT, NAME), pointer("struct b", LENGTH)
    assert types_conflict(one, other)
    assert types_conflict(other, one)


def test_one_type_by_two_names_is_no_conflict() -> None:
    one = pointer("struct a", COUNT, NAME)
    assert not types_conflict(one, pointer("a_t", COUNT, NAME))
    assert not types_conflict(one, one)


def test_a_base_class_is_no_conflict() -> None:
    base = Variable("Base", "Base", Kind.BASE, members=(COUNT,))
    middle = Variable("Middle", "Middle", Kind.BASE, members=(base,))
    derived = pointer("Derived", middle, LENGTH)
    assert not types_conflict(derived, pointer("Base", COUNT))
    assert not types_conflict(pointer("Base", COUNT), derived)
    assert types_conflict(derived, pointer("struct other", NAME))


def test_the_class_that_the_vtable_says_is_no_conflict() -> None:
    base = pointer("Base", COUNT, dynamic="Derived")
    assert not types_conflict(base, pointer("Derived", LENGTH, NAME))


def test_a_first_member_is_no_conflict() -> None:
    first = Variable("head", "struct list", Kind.MEMBER, members=(NAME,))
    whole = pointer("struct task", first, COUNT)
    assert not types_conflict(whole, pointer("struct list", NAME))


def test_a_member_of_a_union_is_no_conflict() -> None:
    number = Variable("n", "struct number", Kind.MEMBER, members=(LENGTH,))
    words = Variable("w", "struct words", Kind.MEMBER, members=(NAME,), address=0x1000)
    either = pointer("union either", number, words)
    assert not types_conflict(either, pointer("struct words", NAME))
    assert not types_conflict(either, pointer("struct number", LENGTH))


def test_the_first_of_an_array_is_no_conflict() -> None:
    element = Variable("[0]", "struct a", Kind.ELEMENT, members=(NAME,))
    array = Variable("all", "struct a [4]", Kind.MEMBER, members=(element,))
    assert not types_conflict(pointer("struct set", array), pointer("struct a", NAME))


def test_structures_that_begin_alike_are_no_conflict() -> None:
    general = pointer("struct sockaddr", COUNT, NAME)
    assert not types_conflict(general, pointer("struct sockaddr_in", COUNT, LENGTH))


def test_what_has_no_known_members_says_nothing() -> None:
    one = pointer("struct a", COUNT, NAME)
    plain = Variable("p", "void *", Kind.LOCAL, value=0x1000)
    text = Variable("p", "char *", Kind.LOCAL, value=0x1000, text="abc")
    for other in (plain, text, pointer("struct incomplete"), None):
        assert not types_conflict(one, other)


def test_the_remark_names_both_sides() -> None:
    held = [
        Held(0x1000, "variable", "a", pointer("struct a", COUNT, NAME)),
        Held(0x1000, "variable", "b", pointer("struct b", LENGTH)),
        Held(0x1000, "variable", "v", Variable("v", "void *", Kind.LOCAL)),
        Held(0x1008, "variable", "c", pointer("struct c", NAME)),
    ]
    found = type_conflicts(held)
    assert found == {
        id(held[0]): "type conflict: struct a here, struct b in b",
        id(held[1]): "type conflict: struct b here, struct a in a",
    }


def test_a_member_behind_the_end_of_a_block() -> None:
    one = pointer("struct a", COUNT, NAME)
    assert reaches_beyond(one, 0x1008)
    assert not reaches_beyond(one, 0x1009)
    assert not reaches_beyond(Variable("v", "void *", Kind.LOCAL), 0)
