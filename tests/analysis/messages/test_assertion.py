"""The formats of failed assertions."""

from __future__ import annotations

import pytest

from coresnap.analysis.messages.assertion import assertion_parts


def parts(expression: str, file: str, line: str, **more: str) -> dict[str, str]:
    return {"expression": expression, "file": file, "line": line, **more}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "app: src/a.c:42: positive: Assertion `n > 0' failed.",
            parts("n > 0", "src/a.c", "42", function="positive", program="app"),
        ),
        (
            'app: a.cc:7: int ns::f(map<int, int>&): Assertion `m["a:1: b"]\' failed.',
            parts(
                'm["a:1: b"]',
                "a.cc",
                "7",
                function="int ns::f(map<int, int>&)",
                program="app",
            ),
        ),
        ("a.c:42: Assertion `x' failed.", parts("x", "a.c", "42")),
        (
            "app: C:/a b.c:1: f: Assertion `it's' failed.",
            parts("it's", "C:/a b.c", "1", function="f", program="app"),
        ),
        (
            "app: a.c:3: f: Unexpected error: No such file or directory.",
            parts(
                "error: No such file or directory",
                "a.c",
                "3",
                function="f",
                program="app",
            ),
        ),
        (
            "Fatal glibc error: malloc.c:2593 (sysmalloc): assertion failed: old_top",
            parts("old_top", "malloc.c", "2593", function="sysmalloc"),
        ),
        (
            "Assertion failed: (n > 0), function positive, file a.c, line 42.",
            parts("n > 0", "a.c", "42", function="positive"),
        ),
        (
            "Assertion failed: f(a) > 0 (a.c: positive: 42)",
            parts("f(a) > 0", "a.c", "42", function="positive"),
        ),
        (
            'a.c:42: int positive(int): assertion "n > 0" failed',
            parts("n > 0", "a.c", "42", function="int positive(int)"),
        ),
    ],
)
def test_every_format_is_taken_apart(text: str, expected: dict[str, str]) -> None:
    assert assertion_parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "free(): invalid pointer",
        "Assertion `x",
        "Assertion failed: ",
        "Assertion failed: x (y)",
        "Assertion failed: (x), function f, file a.c, line forty.",
        "Unexpected error: nothing",
        ":" * 2000,
        'assertion "x',
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert assertion_parts(text) == {}
