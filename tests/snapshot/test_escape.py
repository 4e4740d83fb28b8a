from __future__ import annotations

import json
import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.snapshot.escape import printable, quoted, without_surrogates
from snapshot import specimens


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07", "\\e]0;owned\\x07"),
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\0"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        (os.fsdecode(b"\xff"), "\\xff"),
        ("\U000e0041", "\\U000e0041"),
        ("plain Grüße 漢字 🙂", "plain Grüße 漢字 🙂"),
    ],
)
def test_what_is_not_plainly_visible_is_escaped(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@given(st.text())
def test_r03_no_control_or_format_character_survives(text: str) -> None:
    kinds = {unicodedata.category(character) for character in printable(text)}

    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


def test_no_bidirectional_control_survives() -> None:
    # https://unicode.org/reports/tr9/#Directional_Formatting_Codes
    kinds = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    everything = map(chr, range(sys.maxunicode + 1))
    controls = [c for c in everything if unicodedata.bidirectional(c) in kinds]

    assert len(controls) == 9
    assert printable("".join(controls)).isascii()


def test_a_quoted_text_cannot_leave_its_quotes() -> None:
    assert quoted('a"b\\n\n') == r'"a\"b\\n\n"'


def test_stray_bytes_are_made_visible_in_every_part_of_a_noun() -> None:
    stray = os.fsdecode(b"a\xff")
    snapshot = specimens.small(
        arguments=stray,
        attributes={stray: stray},
        threads=(specimens.thread(frames=(specimens.frame(file=stray),)),),
    )

    clean = without_surrogates(snapshot)

    assert clean.arguments == r"a\xff"
    assert clean.attributes == {r"a\xff": r"a\xff"}
    assert clean.threads[0].frames[0].file == r"a\xff"
    assert without_surrogates([stray, 3]) == [r"a\xff", 3]
    assert json.dumps(clean.arguments)
