from __future__ import annotations

import pytest

from coresnap.model import Variable, VariableKind
from coresnap.snapshot.values import declaration, inline_value, variable_lines
from snapshot.specimens import variable


@pytest.mark.parametrize(
    ("name", "type_", "shown"),
    [
        ("count", "int", "int count"),
        ("name", "char *", "char *name"),
        ("argv", "char **", "char **argv"),
        ("self", "Node &", "Node &self"),
        ("matrix", "double[2][3]", "double matrix[2][3]"),
        ("matrix", "double [2][3]", "double matrix[2][3]"),
        ("tail", "char[]", "char tail[]"),
        ("names", "char *[4]", "char *names[4]"),
        ("handler", "void (*)(int)", "void (*handler)(int)"),
        ("row", "int (*)[4]", "int (*row)[4]"),
        ("this", "std::vector<int[2]> *", "std::vector<int[2]> *this"),
        ("anonymous", "", "anonymous"),
    ],
)
def test_a_declaration_reads_as_in_the_source(
    name: str, type_: str, shown: str
) -> None:
    assert declaration(variable(name, type_)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (variable(value=-3), "-3"),
        (variable(value=3_000_000_000), "3000000000 (0xb2d05e00)"),
        (variable("x", "__int128", value="-" + "9" * 30), "-" + "9" * 30),
        (variable("x", "double", value=0.1), "0.1"),
        (variable("x", "double", value=float("nan")), "nan"),
        (variable("x", "bool", value=True), "true"),
        (variable("x", "_Bool", value=False), "false"),
        (variable("x", "char", value=65, text="A"), "65 'A'"),
        (variable("x", "const unsigned char", value=10, text="\n"), "10 '\\n'"),
        (variable("x", "enum colour", value=2, text="RED"), "RED (2)"),
        (variable("x", "char *", value=0), "0x0"),
        (variable("x", "void *const", value=4096), "0x1000"),
        (variable("x", "char *", value=4096, text='a"b'), '0x1000 "a\\"b"'),
        (variable("x", "const char *const", value=1, text="hi"), '0x1 "hi"'),
        (variable("x", "char[4]", text="abc"), '"abc"'),
        (variable("x", "char[4]", text=""), '""'),
        (variable("x", "char[9]", text="abc", truncated=True), '"abc"…'),
        (variable("x", "void (*)(int)", value=4096, text="run"), "0x1000 <run>"),
        (
            variable(missing="optimized out: no location"),
            "<optimized out: no location>",
        ),
        (variable("x", "struct empty"), "{}"),
    ],
)
def test_a_value_reads_as_in_a_debugger(value: Variable, shown: str) -> None:
    assert inline_value(value) == shown


def member(name: str, value: int | None = None) -> Variable:
    return variable(name, kind=VariableKind.MEMBER, value=value)


def array(*values: int, **fields: object) -> Variable:
    elements = (
        variable(f"[{index}]", kind=VariableKind.ELEMENT, value=value)
        for index, value in enumerate(values)
    )
    return variable("list", f"int[{len(values)}]", members=tuple(elements), **fields)


def test_a_struct_names_its_members() -> None:
    pair = variable("p", "struct p", members=(member("a", value=1), member("b")))
    assert inline_value(pair) == "{a = 1, b = {}}"


def test_equal_neighbouring_elements_are_counted() -> None:
    assert inline_value(array(1, 0, 0, 0, 2)) == "{1, 0 × 3, 2}"


def test_a_cut_array_says_that_there_is_more() -> None:
    assert inline_value(array(1, 2, truncated=True)) == "{1, 2, …}"


def node(value: int, following: Variable | None = None) -> Variable:
    address = 0 if following is None else 0x5000 + value
    link = variable(
        "next",
        "struct node *",
        kind=VariableKind.MEMBER,
        value=address,
        target=following,
    )
    return variable(
        "*",
        "struct node",
        kind=VariableKind.TARGET,
        members=(member("value", value=value), link),
    )


def test_what_a_pointer_points_to_stands_behind_an_arrow() -> None:
    head = variable("head", "struct node *", value=0x5000, target=node(7))

    assert list(variable_lines(head, 100)) == [
        "struct node *head = 0x5000 → {value = 7, next = 0x0}"
    ]


def test_nested_values_are_indented_below_their_owner() -> None:
    head = variable("head", "struct node *", value=0x5000, target=node(7, node(8)))

    assert list(variable_lines(head, 100, "  ")) == [
        "  struct node *head = 0x5000 →",
        "      int value = 7",
        "      struct node *next = 0x5007 → {value = 8, next = 0x0}",
    ]


def test_a_value_too_wide_for_one_line_gets_a_line_per_member() -> None:
    wide = variable("p", "struct p", members=(member("a", value=1), member("b")))

    assert list(variable_lines(wide, 20)) == [
        "struct p p =",
        "    int a = 1",
        "    int b = {}",
    ]


def test_a_base_class_is_shown_by_its_type() -> None:
    base = variable("", "Base", kind=VariableKind.BASE, members=(member("a", value=1),))
    derived = variable("d", "Derived", members=(base,))

    assert inline_value(derived) == "{<Base> = {a = 1}}"


def test_a_pointee_that_is_missing_leaves_the_pointer_alone() -> None:
    lost = variable("*", kind=VariableKind.TARGET, missing="not in the core")
    pointer = variable("p", "int *", value=0x1000, target=lost)

    assert list(variable_lines(pointer, 80)) == ["int *p = 0x1000"]


def test_hostile_names_types_and_texts_are_escaped() -> None:
    hostile = variable("a\x1b[2J", "T\n", value=1, text="\u202e")

    (line,) = variable_lines(hostile, 80)
    assert "\x1b" not in line
    assert "\n" not in line
    assert "\u202e" not in line


def test_a_very_long_text_is_cut_on_display() -> None:
    assert len(inline_value(variable("x", "char[9999]", text="a" * 9999))) < 300


def chain(length: int) -> Variable:
    """A pointer to a pointer to … ``length`` times."""
    link = variable("*", "int", kind=VariableKind.TARGET, value=7)
    for number in range(1, length):
        link = variable(
            "*", "int *", kind=VariableKind.TARGET, value=number, target=link
        )
    return variable("p", "int *", value=length, target=link)


def test_a_chain_of_pointers_is_followed_to_its_end() -> None:
    assert list(variable_lines(chain(3), 80)) == ["int *p = 0x3 → 0x2 → 0x1 → 7"]
    assert list(variable_lines(chain(5), 80)) == [
        "int *p = 0x5 →",
        "    * = 0x4 →",
        "        * = 0x3 → 0x2 → 0x1 → 7",
    ]


def test_nesting_that_no_analysis_makes_is_cut() -> None:
    deep = variable("x", "struct x", members=(member("a", value=1),))
    for _ in range(5000):
        deep = variable("x", "struct x", members=(deep,))

    assert len(list(variable_lines(deep, 80))) < 100
    assert len(list(variable_lines(chain(5000), 80))) < 100
