from __future__ import annotations

import pytest

from coresnap.analysis.values.decimals import decimal_text


@pytest.mark.parametrize(
    ("bits", "size", "text"),
    [
        (0x3200000F, 4, "1.5"),
        (0xB200000F, 4, "-1.5"),
        (0x32800000, 4, "0"),
        (0x32800001, 4, "1"),
        (0x6CB8967F, 4, "9999999"),
        (0x78000000, 4, "inf"),
        (0xF8000000, 4, "-inf"),
        (0x7C000000, 4, "nan"),
        (0xB16000000001E240, 8, "-123.456"),
        (0x77FB86F26FC0FFFF, 8, "9.999999999999999E+384"),
        (0x3036000000000000000000000004CB2F, 16, "3.14159"),
    ],
)
def test_decimal_floats_are_written_as_decimals(
    bits: int, size: int, text: str
) -> None:
    assert decimal_text(bits, size) == text


def test_other_sizes_are_no_decimal_floats() -> None:
    assert decimal_text(0, 2) is None
