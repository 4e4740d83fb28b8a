"""What the failed access says: its kind, its address, and its pointer."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.rules import accesses, pointers
from coresnap.analysis.classify.verdict import judge
from coresnap.model import Mapping

from ..cases import MAPPINGS, case, concluded
from ..faults import CODE, faulted

RULES = (*accesses.RULES, *pointers.RULES)
STORE = "48894708"  # mov [rdi + 8], rax
LOAD = "8b00"  # mov eax, [rax]
INDEXED = "8b04b0"  # mov eax, [rax + rsi*4]
RAISE = "ff00"  # inc dword ptr [rax]
ALIGNED = "0f2900"  # movaps [rax], xmm0
HEAP, TEXT = 0x5000_0000, 0x400000

TABLE = {
    "a load is a read": (
        (LOAD, 11, 1, 0x1234000, {"rax": 0x1234000}),
        {
            "memory.read": "strong",
            "memory.unmapped": "certain",
            "invalid-pointer": "hint",
        },
    ),
    "what reads and writes is a write": (
        (RAISE, 11, 2, TEXT, {"rax": TEXT}),
        {"memory.write": "strong", "memory.protection": "certain"},
    ),
    "a null base with an offset is a null pointer": (
        (STORE, 11, 1, 8, {"rdi": 0}),
        {"memory.write": "strong", "null": "strong", "null.write": "strong"},
    ),
    "a null base with a large offset is one in disguise": (
        ("48898700000800", 11, 1, 0x80000, {"rdi": 0}),
        {"memory.write": "strong", "null": "strong", "null.write": "strong"},
    ),
    "an address in the first 64 KiB is probably one": (
        (LOAD, 11, 1, 0x5000, {"rax": 0x5000}),
        {"memory.read": "strong", "null": "probable", "null.read": "probable"},
    ),
    "a small number in place of a pointer fails where a null one does": (
        (LOAD, 11, 1, 0x6BA, {"rax": 0x6BA}),
        {"memory.read": "strong", "null": "probable", "null.read": "probable"},
    ),
    "a small number in a register may be null with an offset": (
        (LOAD, 11, 1, 0x51, {"rax": 0x51}),
        {"memory.read": "strong", "null": "probable", "null.read": "probable"},
    ),
    "an absolute address in the first page is null": (
        ("8b042510000000", 11, 1, 0x10, {}),  # mov eax, [0x10]
        {"memory.read": "strong", "null": "strong", "null.read": "strong"},
    ),
    "a zero that is the index of a bad pointer is none": (
        (INDEXED, 11, 1, 0x4_1234_5670, {"rax": 0, "rsi": 0x1_048D_159C}),
        {
            "memory.read": "strong",
            "memory.unmapped": "certain",
            "invalid-pointer": "hint",
        },
    ),
    "a jump to zero is a null call": (
        ("", 11, 1, 0, {"rip": 0, "rsp": 0x7FFF_0001_0000}),
        {"memory.exec": "strong", "null": "strong", "null.exec": "strong"},
    ),
    "an address that cannot be one is recomputed": (
        (LOAD, 11, 128, 0, {"rax": 0x4141_4141_4141_4141}),
        {"memory.read": "strong", "noncanonical": "strong", "invalid-pointer": "hint"},
    ),
    "what wants to be aligned and is not": (
        (ALIGNED, 11, 128, 0, {"rax": HEAP + 1}),
        {"memory.write": "strong", "alignment": "strong"},
    ),
    "aligned and allowed: nothing of that explains it": (
        (ALIGNED, 11, 128, 0, {"rax": HEAP + 16}),
        {},
    ),
    "the kernel's own word for a misaligned access": (
        (LOAD, 7, 1, 0, {"rax": HEAP + 1}),
        {"memory.read": "strong", "alignment": "certain"},
    ),
}


@pytest.mark.parametrize("what", TABLE)
def test_an_access_that_failed(what: str) -> None:
    (code, number, signal_code, address, registers), expected = TABLE[what]
    crash = faulted(code, number, signal_code, address, registers=registers)
    assert concluded(crash, *RULES) == expected


def test_general_protection_faults_of_freebsd_name_the_pc() -> None:
    registers = {"rax": 0x5A5A_5A5A_5A5A_5A5A}
    crash = faulted(LOAD, 10, 3, 0x401000, registers=registers, system="FreeBSD")
    assert crash.fault_address == 0x5A5A_5A5A_5A5A_5A5A
    assert concluded(crash, *RULES)["noncanonical"] == "strong"


def test_a_page_that_is_unmapped_between_two_is_named_by_the_nearest() -> None:
    address = 0x5002_1000 + 0x40
    crash = faulted(LOAD, 11, 1, address, registers={"rax": address})
    unmapped = [c for c in judge(crash, RULES).classifiers if c.name[7:] == "unmapped"]
    assert "0x40 bytes behind rw- [heap]" in unmapped[0].evidence[1]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0x656D616E656C6966, "the text 'filename'"),
        (0x7F11_0000_0011, "with its lower half replaced"),
        (0x4000_0123, "the lower half of an address in rw- anonymous memory"),
        (0x400921FB54442D18, "the floating-point number 3.14159"),
        (1_700_000_000, "a time in seconds"),
        (0xFFFF_FFFF_FFFF_FFF8, "the small number -8"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_said_to_look_like(
    value: int, words: str
) -> None:
    mappings = (*MAPPINGS[:3], Mapping(0x7F11_4000_0000, 0x7F11_4001_0000, "rw-"))
    is_canonical = not 1 << 47 <= value < (1 << 64) - (1 << 47)
    code, address = (1, value) if is_canonical else (128, 0)
    crash = faulted(
        LOAD, 11, code, address, registers={"rax": value}, mappings=mappings
    )
    kept = judge(crash, RULES).classifiers
    (odd,) = (c.summary for c in kept if c.name == "invalid-pointer")
    assert words in odd


TRACED = "488b45f8908b00"  # mov rax, [rbp - 8]; nop; mov eax, [rax]
ADDED = "488b45f84883c0308b00"  # mov rax, [rbp - 8]; add rax, 0x30; mov eax, [rax]
FRAME = 0x7FFF_0001_0000


def loaded(code: str, value: int, held: int) -> dict[str, str]:
    size = len(bytes.fromhex(code)) - 2
    crash = faulted(
        code,
        11,
        1,
        value,
        registers={"rax": value, "rbp": FRAME, "rip": CODE + size},
        contents={FRAME - 8: held.to_bytes(8, "little")},
        offset=size,
    )
    return concluded(crash, *RULES)


def test_a_small_number_that_was_loaded_as_it_is_is_no_null_pointer() -> None:
    found = loaded(TRACED, 0x51, 0x51)
    assert "null" not in found
    assert found["invalid-pointer"] == "hint"


def test_an_offset_that_was_added_to_a_null_pointer_is_seen() -> None:
    assert loaded(ADDED, 0x30, 0)["null"] == "strong"
    # What memory holds now is not what it held then: the register counts.
    assert loaded(ADDED, 0x30, 0x1000)["null"] == "strong"
    assert "null" not in loaded(ADDED, 0x51, 0x21)


def test_where_the_code_is_not_there_permissions_tell_a_write() -> None:
    def concluded_at(address: int) -> dict[str, str]:
        return concluded(faulted("", 11, 2, address), *RULES)

    assert concluded_at(TEXT) == {
        "memory.write": "strong",
        "memory.protection": "certain",
    }
    assert concluded_at(HEAP) == {"memory.protection": "certain"}


def test_a_core_without_siginfo_is_judged_by_the_operand() -> None:
    crash = faulted(STORE, 11, None, None, registers={"rdi": 0})
    assert concluded(crash, *RULES) == {
        "memory.write": "strong",
        "null": "strong",
        "null.write": "strong",
    }
    crash = faulted(STORE, 11, None, None, registers={"rdi": HEAP})
    assert concluded(crash, *RULES) == {}


def test_signals_that_were_sent_have_no_memory_verdict() -> None:
    for code in (0, -1, -6):
        crash = faulted(LOAD, 11, code, 0, registers={"rax": 0})
        assert crash.fault is None
        assert concluded(crash).keys() == {"segv", "signal.sent"}


def test_aborts_have_no_memory_verdict() -> None:
    crash = faulted(LOAD, 6, -6, None, registers={"rax": 0})
    assert concluded(crash).keys() <= {"abort", "signal.sent"}


def test_without_a_fault_the_rules_say_nothing() -> None:
    assert concluded(case(11, 1, 0x1000), *RULES) == {}
