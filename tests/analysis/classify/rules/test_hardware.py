"""What the memory behind an address did."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, cast

import pytest

from coresnap.analysis.classify.rules.hardware import RULES
from coresnap.analysis.classify.verdict import judge
from coresnap.elfcore.facts import CoreFacts
from coresnap.elfcore.process_state import MappingState, ProcessState
from coresnap.model import Mapping

from ..cases import MAPPINGS, concluded
from ..faults import faulted

LOAD = "8b00"  # mov eax, [rax]
WHERE = 0x7000_0000_0000
HEAP = 0x5000_0100


def bus_error(file: Path, offset: int) -> dict[str, str]:
    mapped = Mapping(WHERE, WHERE + 0x4000, "rw-", 0, str(file))
    address = WHERE + offset
    crash = faulted(
        LOAD,
        7,
        2,
        address,
        registers={"rax": address},
        mappings=(*MAPPINGS, mapped),
    )
    return concluded(crash, *RULES)


def test_a_page_behind_the_end_of_a_short_file(tmp_path: Path) -> None:
    file = tmp_path / "short"
    file.write_bytes(bytes(100))
    assert bus_error(file, 0x1000) == {"bus.eof": "strong"}


def test_a_page_of_a_file_that_is_gone_probably_was(tmp_path: Path) -> None:
    assert bus_error(tmp_path / "gone", 0x1000) == {"bus.eof": "probable"}


def test_a_page_of_a_file_that_is_long_enough_could_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.write_bytes(bytes(0x4000))
    assert bus_error(file, 0x1000) == {"bus.memory": "hint"}


def test_memory_without_a_file_could_not_be_had() -> None:
    crash = faulted(LOAD, 7, 2, HEAP, registers={"rax": HEAP})
    assert concluded(crash, *RULES) == {"bus.memory": "probable"}


def freebsd_bus_error(
    file_size: int | None, *, kind: str = "vnode", path: bytes = b""
) -> dict[str, str]:
    region = MappingState(
        WHERE, WHERE + 0x4000, 0x2000, "rw-", kind, (), 0, 0, 1, 0, path, file_size
    )
    address = WHERE + 0x1800
    mapped = Mapping(WHERE, WHERE + 0x4000, "rw-", 0x2000, path.decode() or None)
    crash = faulted(
        LOAD,
        10,
        3,
        address,
        registers={"rax": address},
        mappings=(*MAPPINGS, mapped),
        system="FreeBSD",
    )
    facts = CoreFacts(state=ProcessState(mappings=(region,)))
    cast(Any, crash.core).facts = facts
    return concluded(crash, *RULES)


def test_freebsd_says_how_long_a_file_was_whose_path_it_does_not_know() -> None:
    assert freebsd_bus_error(0) == {"bus.eof": "strong"}
    assert freebsd_bus_error(0x3000) == {"bus.eof": "strong"}
    assert freebsd_bus_error(0x3001) == {"bus.memory": "hint"}
    assert freebsd_bus_error(0x9000, path=b"/gone") == {"bus.memory": "hint"}
    assert freebsd_bus_error(None, kind="swap") == {"bus.memory": "probable"}


TABLE = {
    "machine-check": (7, 4, struct.pack("<QH", HEAP, 12), "0x1000 bytes are lost"),
    "pkey": (11, 4, struct.pack("<QQI", HEAP, 0, 3), "SEGV_PKUERR, key 3"),
    "mte": (11, 9, b"", "SEGV_MTESERR"),
    "shadow-stack": (11, 10, b"", "SEGV_CPERR"),
    "bounds": (11, 3, struct.pack("<4Q", HEAP, 0, 16, 32), "bounds 0x10–0x20"),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_the_kernel_says_by_its_code(name: str) -> None:
    number, code, union, evidence = TABLE[name]
    crash = faulted(LOAD, number, code, HEAP, registers={"rax": HEAP}, union=union)
    (found,) = judge(crash, RULES).classifiers
    assert (found.name, found.confidence) == (name, "certain")
    assert evidence in found.evidence


def test_the_codes_of_other_faults_say_none_of_this() -> None:
    for code in (1, 2, 128):
        assert concluded(faulted(LOAD, 11, code, HEAP), *RULES) == {}
