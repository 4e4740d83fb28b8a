from __future__ import annotations

import pytest

from coresnap.errors import UsageError
from coresnap.views.fault.position import Position


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("4711", Position("4711")),
        ("4711/3", Position("4711", 3)),
        ("0.2/0", Position("0.2", 0)),
        ("4711/3/list->head[2].a/b", Position("4711", 3, "list->head[2].a/b")),
        ("globals//total", Position("globals", None, "total")),
    ],
)
def test_a_position_is_read_as_it_is_written(text: str, position: Position) -> None:
    assert Position.parse(text) == position
    assert str(position) == text


@pytest.mark.parametrize("text", ["", "x", "1/x", "1/-1", "/1", "1" * 30, "\n1"])
def test_other_texts_are_no_positions(text: str) -> None:
    with pytest.raises(UsageError, match="is no position"):
        Position.parse(text)
