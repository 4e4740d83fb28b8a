"""Heaps of Debian's gperftools 2.10 in cores that the kernel wrote."""

from __future__ import annotations

import pytest

from heap.preloaded import TCMALLOC, MakeMistake

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, TCMALLOC.is_needed]


def test_the_link_in_a_freed_block_leads_back_to_it(make_mistake: MakeMistake) -> None:
    made = make_mistake(TCMALLOC, "once")
    found = made.heap.place(made.block)
    assert found is not None
    link = int.from_bytes(found.block.preview[:8], "little")
    assert made.heap.linked(link) == found.block
