"""Values that a printer presented (docs/pretty.md), as text."""

from __future__ import annotations

from typing import Any

import pytest

from coresnap.model import Variable, VariableKind
from coresnap.snapshot.values import inline_value, variable_lines
from snapshot.specimens import variable


def element(name: str, value: int | None = None, **fields: Any) -> Variable:  # noqa: ANN401
    return variable(name, "int", kind=VariableKind.ELEMENT, value=value, **fields)


def container(
    text: str | None,
    *items: Variable,
    name: str = "v",
    **fields: Any,  # noqa: ANN401
) -> Variable:
    members = (variable("_M_start", "int *", kind=VariableKind.MEMBER, value=64),)
    fields = {"members": members, **fields}
    described = text is not None
    return variable(name, "V", text=text, described=described, items=items, **fields)


NUMBERS = [element(f"[{index}]", index) for index in range(3)]
POINTEE = variable("*", "int", kind=VariableKind.TARGET, value=7)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (container("std::vector of 3", *NUMBERS), "std::vector of 3 = {0, 1, 2}"),
        (container("std::vector of 0"), "std::vector of 0"),
        (
            container("std::map of 2", element("[4]", 1), element('["a"]', 1)),
            'std::map of 2 = {[4] = 1, ["a"] = 1}',
        ),
        (
            container("std::vector of 9", *NUMBERS, truncated=True),
            "std::vector of 9 = {0, 1, 2, …}",
        ),
        (container(None, *NUMBERS), "{0, 1, 2}"),
        (container("Some(3)", element("[0]", 3)), "Some(3)"),
        (container("Some(3…)", element("[0]", 3)), "Some(3…) = {3}"),
        (container("90 s"), "90 s"),
        (variable("s", "S", text="a b", members=(POINTEE,)), '"a b"'),
        (
            variable("p", "P", value=64, text="Rc, strong 2", described=True),
            "0x40 (Rc, strong 2)",
        ),
        (
            variable("p", "P", value=64, text="owner", described=True, target=POINTEE),
            "0x40 (owner) → 7",
        ),
        (
            variable("b", "Base", members=(POINTEE,), dynamic_type="Derived"),
            "Derived {* = 7}",
        ),
    ],
)
def test_a_value_is_shown_by_what_it_holds(value: Variable, shown: str) -> None:
    assert inline_value(value) == shown


def test_how_a_container_is_made_is_shown_if_asked_for() -> None:
    value = container("std::vector of 3", *NUMBERS)
    assert "_M_start" not in inline_value(value)
    assert inline_value(value, raw=True) == (
        "std::vector of 3 = {[0] = 0, [1] = 1, [2] = 2, _M_start = 0x40}"
    )
    lines = list(variable_lines(value, 30, raw=True))
    assert lines[0] == "V v = std::vector of 3 ="
    assert lines[-1] == "    int *_M_start = 0x40"


def test_what_does_not_fit_goes_below_with_its_names() -> None:
    inner = container("std::vector of 1", element("[0]", 5), name="['k']")
    value = container("std::map of 1", element("['k']", items=inner.items))
    assert list(variable_lines(value, 100)) == [
        "V v = std::map of 1 =",
        "    ['k'] = {5}",
    ]


def test_many_numbers_fill_lines() -> None:
    items = [element(f"[{index}]", index) for index in range(100)]
    value = container("std::deque of 300", *items, truncated=True)
    lines = list(variable_lines(value, 40))
    assert lines[0] == "V v = std::deque of 300 ="
    assert lines[-1] == "    …"
    assert all(len(line) <= 40 for line in lines)
    words = " ".join(lines[1:-1]).replace(",", "").split()
    assert words == [str(index) for index in range(100)]


def test_text_of_the_process_is_escaped_in_what_is_said_of_it() -> None:
    value = container("std::function of \x1b[31m", element('["\x1b"]', 1))
    assert "\x1b" not in inline_value(value)
    assert "\x1b" not in "".join(variable_lines(value, 10))
