"""What has to be in a text before a regular expression is tried."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.store.query.sql.required_literal import required_literal


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("parse_header", "parse_header"),
        ("^parse_.*free$", "parse_"),
        ("parsers*", "parser"),
        ("parsers?next", "parser"),
        ("parsers+", "parsers"),
        ("ab.*cd", ""),
        ("parse_a|parse_b", ""),
        ("(parse_header)?", ""),
        (r"\bparse_header", ""),
        ("[parse]header", ""),
        ("header{0}", ""),
    ],
)
def test_only_what_is_sure_is_required(pattern: str, literal: str) -> None:
    assert required_literal(pattern) == literal


@given(st.text("abcd.*?+^$ \n", max_size=12), st.lists(st.text("abcd ", max_size=9)))
def test_whatever_matches_has_it(pattern: str, texts: list[str]) -> None:
    try:
        compiled = re.compile(pattern, re.DOTALL)
    except re.error:
        return
    literal = required_literal(pattern)
    for text in texts:
        if compiled.search(text):
            assert literal in text
