from __future__ import annotations

from typing import Any

from coresnap.model import Annotation, Variable, VariableKind
from coresnap.views.fault.value import Value, find_value, values_of
from snapshot.specimens import variable


def member(name: str, **fields: Any) -> Variable:  # noqa: ANN401 - of Variable
    return variable(name, kind=VariableKind.MEMBER, **fields)


def element(number: int, value: int) -> Variable:
    return variable(f"[{number}]", kind=VariableKind.ELEMENT, value=value)


def all_of(values: tuple[Value, ...]) -> list[Value]:
    return [one for value in values for one in (value, *all_of(value.children))]


def test_what_a_pointer_leads_to_opens_below_it() -> None:
    node = variable("*", "node", kind=VariableKind.TARGET, members=(member("next"),))
    (head,) = values_of([variable("head", "node *", value=0x1000, target=node)])

    assert (head.label, head.pointee) == ("node *head", 0x1000)
    assert [child.path for child in head.children] == ["head->next"]


def test_equal_neighbours_are_one_line_and_keep_their_places() -> None:
    cells = (element(0, 7), element(1, 7), element(2, 8))
    (array,) = values_of([variable("cells", "int[3]", members=cells)])

    told = [(child.path, child.repeated, child.text) for child in array.children]
    assert told == [("cells[0]", 2, "7"), ("cells[2]", 1, "8")]


def test_every_value_is_found_by_its_path_whatever_the_names() -> None:
    names = ["a", "a", "a.b", "", "\x1b", "n" * 100, "a~2", "[0]"]
    inner = tuple(member(name, members=(member(name, value=1),)) for name in names)
    values = values_of([variable(name, members=inner) for name in names])
    everything = all_of(values)

    assert len(everything) == 8 + 8 * 8 * 2
    for value in everything:
        assert find_value(values, value.path)[-1].path == value.path


def test_variables_of_one_name_have_paths_of_their_own() -> None:
    outer, inner = values_of([variable("ret", value=0), variable("ret", value=1)])

    assert (outer.path, inner.path) == ("ret", "ret~2")
    assert find_value([outer, inner], "ret~2") == (inner,)


def test_a_path_that_leads_nowhere_finds_nothing() -> None:
    assert find_value(values_of([variable("a", members=(member("b"),))]), "a.c") == ()


def test_what_is_said_of_a_pointee_that_has_no_line_stands_at_its_pointer() -> None:
    said = Annotation("warning", "freed")
    fields = {"members": (member("next"),), "annotations": (said,)}
    node = variable("*", "node", kind=VariableKind.TARGET, **fields)
    (head,) = values_of([variable("head", "node *", value=1, target=node)])

    assert head.annotations == (said,)


def test_a_chain_without_an_end_ends() -> None:
    deep = member("last", value=1)
    for _ in range(500):
        deep = member("next", members=(deep,))

    assert len(all_of(values_of([deep]))) == 65


def test_texts_are_cut_where_a_page_could_not_bear_them() -> None:
    (value,) = values_of([variable("n" * 10**6, "t" * 10**6, text="x" * 10**6)])

    assert len(value.label) + len(value.text) + len(value.path) < 2000
    assert "characters)" in value.label
