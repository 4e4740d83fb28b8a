from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from coresnap.errors import SnapshotFormatError
from coresnap.model import Snapshot
from coresnap.snapshot.schema import SECTION_TYPES, Summary, decode, encode, part
from snapshot import specimens


def test_every_field_of_a_snapshot_stands_in_exactly_one_section() -> None:
    places = Counter(
        field.name
        for kind in SECTION_TYPES.values()
        for field in msgspec.structs.fields(kind)
    )

    expected = {field.name for field in msgspec.structs.fields(Snapshot)} - {"memory"}
    assert places == Counter(expected)


def test_a_field_has_the_same_type_in_its_section_as_in_the_snapshot() -> None:
    types = {field.name: field.type for field in msgspec.structs.fields(Snapshot)}
    for kind in SECTION_TYPES.values():
        for field in msgspec.structs.fields(kind):
            assert field.type == types[field.name]


def test_a_part_holds_the_fields_of_its_section() -> None:
    summary = part(specimens.full(), "summary")

    assert summary == decode(encode(summary), Summary, "summary")
    assert summary.quality == specimens.full().quality


def test_the_error_of_a_damaged_section_names_it() -> None:
    with pytest.raises(SnapshotFormatError, match="'summary' of the snapshot"):
        decode(b"\xc1", Summary, "summary")
