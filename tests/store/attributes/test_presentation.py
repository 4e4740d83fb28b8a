"""Values are written for people, and read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import FORMATS
from coresnap.store.attributes.parsing import parse
from coresnap.store.attributes.presentation import present, present_short
from coresnap.store.fault import Value


def attribute(format: str, kind: Kind = Kind.INTEGER) -> Attribute:
    return Attribute("a", kind, format)


@pytest.mark.parametrize(
    ("format", "value", "text"),
    [
        ("none", 7, "7"),
        ("none", 0.25, "0.25"),
        ("bytes", 512, "512 B"),
        ("bytes", 1_234_567_890, "1.2 GB"),
        ("bytes", 999_999, "1.0 MB"),
        ("kilobytes", 2048, "2.1 MB"),
        ("seconds", 0, "0 s"),
        ("seconds", 182, "3m02s"),
        ("seconds", 2 * 3600 + 5 * 60, "2h05m"),
        ("seconds", 3 * 86400 + 4 * 3600, "3d04h"),
        ("milliseconds", 2500, "2.5 s"),
        ("nanoseconds", 2_500_000, "2.5 ms"),
        ("timestamp", 1461535521, "2016-04-24 22:05:21 UTC"),
        ("timestamp", 1 << 62, str(1 << 62)),
        ("address", 0x7F00, "0x7f00"),
        ("address", -1, "0xffffffffffffffff"),
        ("boolean", 1, "yes"),
        ("boolean", 7, "7"),
        ("percentage", 42, "42 %"),
    ],
)
def test_a_number_is_written_in_its_format(
    format: str, value: Value, text: str
) -> None:
    assert present(value, attribute(format)) == text


def test_a_callstack_is_one_line() -> None:
    stack = attribute("callstack", Kind.TEXT)
    assert present("crash\nmain", stack) == "crash ← main"


def test_long_ids_are_cut_in_lists_alone() -> None:
    of_sha = attribute("sha256", Kind.TEXT)

    assert present_short("ab" * 32, of_sha) == "ab" * 6
    assert present("ab" * 32, of_sha) == "ab" * 32


@given(st.text(), st.sampled_from(sorted(FORMATS)), st.sampled_from(Kind))
def test_no_text_reaches_the_terminal_as_it_came(
    value: str, format: str, kind: Kind
) -> None:
    shown = present(value, attribute(format, kind))
    assert not any(c < " " or "\x7f" <= c <= "\x9f" for c in shown)


@pytest.mark.parametrize(
    ("format", "text", "value"),
    [
        ("none", "42", 42),
        ("none", "-1", -1),
        ("bytes", "4096", 4096),
        ("bytes", "1GiB", 1 << 30),
        ("bytes", "1.5MB", 1_500_000),
        ("bytes", "2 kB", 2000),
        ("bytes", "3G", 3 * 10**9),
        ("kilobytes", "4", 4),
        ("kilobytes", "1MiB", 1024),
        ("seconds", "90", 90),
        ("seconds", "1h", 3600),
        ("seconds", "1h30m", 5400),
        ("seconds", "250ms", 0.25),
        ("milliseconds", "2s", 2000),
        ("milliseconds", "7", 7),
        ("nanoseconds", "1us", 1000),
        ("timestamp", "2016-04-24", 1461456000),
        ("timestamp", "2016-04-24T22:05:21Z", 1461535521),
        ("timestamp", "2016-04-24 22:05:21 UTC", 1461535521),
        ("timestamp", "1461535521", 1461535521),
        ("address", "0x7f00", 0x7F00),
        ("address", "0xffffffffffffffff", -1),
        ("boolean", "yes", 1),
        ("percentage", "50%", 50),
    ],
)
def test_a_filter_s_value_is_read_in_its_format(
    format: str, text: str, value: Value
) -> None:
    assert parse(text, attribute(format)) == value


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("none", "many"),
        ("none", "1e999"),
        ("none", str(1 << 63)),
        ("none", "."),
        ("bytes", "1 parsec"),
        ("bytes", "1zb"),
        ("seconds", "5y"),
        ("timestamp", "yesterday"),
        ("address", "0x" + "f" * 17),
        ("address", "nowhere"),
        ("boolean", "maybe"),
    ],
)
def test_what_is_no_value_is_refused_with_an_example(format: str, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text, attribute(format))
    assert "Write " in caught.value.remedy


@given(
    st.sampled_from([f for f, kinds in FORMATS.items() if Kind.INTEGER in kinds]),
    st.text(alphabet="0123456789abcdefxkMGiBsmhdTZ:.-+ %e"),
)
def test_any_text_is_a_value_or_refused(format: str, text: str) -> None:
    try:
        value = parse(text, attribute(format))
    except QueryError:
        return
    assert isinstance(value, int | float)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_an_address_is_read_as_it_was_written(value: int) -> None:
    of_address = attribute("address")
    assert parse(present(value, of_address), of_address) == value
