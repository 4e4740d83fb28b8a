"""What the failed access says about the pointer."""

from __future__ import annotations

from coresnap.analysis.classify.accesses import RULES

from .cases import case, concluded


def test_an_access_in_the_first_page_is_a_null_pointer() -> None:
    assert concluded(case(11, 1, 0), *RULES) == {"null": "strong"}
    assert concluded(case(11, 1, 0xFF8), *RULES) == {"null": "strong"}


def test_other_addresses_are_not() -> None:
    assert concluded(case(11, 1, 0x1000), *RULES) == {}
    assert concluded(case(11, 2, 0x10), *RULES) == {}
