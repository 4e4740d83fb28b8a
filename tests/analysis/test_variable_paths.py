"""Paths are what a person would type into a debugger."""

from __future__ import annotations

from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Variable, VariableKind

MEMBER, TARGET = VariableKind.MEMBER, VariableKind.TARGET
COUNT = Variable("count", "int", MEMBER, value=3)
NODE = Variable("*", "struct node", TARGET, members=(COUNT,), address=0x1000)
HEAD = Variable("head", "struct node *", MEMBER, value=0x1000, target=NODE)


def paths(variable: Variable) -> list[str]:
    return [path for path, _ in variable_paths([variable])]


def test_members_behind_pointers_and_in_structures() -> None:
    lists = Variable("list", "struct list", VariableKind.LOCAL, members=(HEAD,))
    assert paths(lists) == ["list", "list.head", "*list.head", "list.head->count"]


def test_elements_and_plain_targets() -> None:
    element = Variable("[0]", "struct node *", VariableKind.ELEMENT, target=NODE)
    array = Variable(
        "nodes", "struct node *[1]", VariableKind.LOCAL, members=(element,)
    )
    assert paths(array) == ["nodes", "nodes[0]", "*nodes[0]", "nodes[0]->count"]


def test_a_base_class_adds_nothing_to_the_path() -> None:
    base = Variable("Base", "Base", VariableKind.BASE, members=(COUNT,))
    assert paths(Variable("it", "Derived", VariableKind.LOCAL, members=(base,))) == [
        "it",
        "it",
        "it.count",
    ]


def test_items_of_a_container_only_if_asked_for() -> None:
    item = Variable("[0]", "struct node *", VariableKind.ELEMENT, target=NODE)
    vector = Variable("v", "std::vector<node *>", VariableKind.LOCAL, items=(item,))
    assert paths(vector) == ["v"]
    found = [path for path, _ in variable_paths([vector], items=True)]
    assert found == ["v", "v[0]", "*v[0]", "v[0]->count"]


def test_no_more_than_asked_for() -> None:
    assert len(list(variable_paths([HEAD, HEAD], most=3))) == 3
