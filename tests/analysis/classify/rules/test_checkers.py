"""What allocators and sanitizers said of the program that they are in."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.rules.checkers import RULES
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.messages.message import Message

from ..cases import case, concluded


def allocator(reason: str, pointer: str = "") -> Message:
    parts = {"allocator": "jemalloc", "reason": reason, "pointer": pointer}
    parts = {key: value for key, value in parts.items() if value}
    return Message("allocator", reason, 0x7FFF_0000_0100, "stack", 1, parts)


def sanitizer(bug: str, tool: str = "AddressSanitizer", **parts: str) -> Message:
    parts |= {"tool": tool, "bug": bug}
    return Message("sanitizer", f"ERROR: {tool}: {bug}", 0x1000, "scan", 1, parts)


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("Attempt to free invalid pointer 0x10", "invalid-free"),
        ("double free detected of block 0x10 with size 32", "double-free"),
        ("Write-after-free detected on deallocated pointer 0x10", "use-after-free"),
        ("size mismatch detected (true size 8 vs input size 16)", "invalid-free"),
        ("corrupted free list entry of size 16", "heap.corrupt"),
        ("Error opening configuration", None),
    ],
)
def test_an_allocators_complaint_is_certain(reason: str, name: str | None) -> None:
    crash = case(6, -6, None, messages=(allocator(reason),))
    assert concluded(crash, *RULES) == ({name: "certain"} if name else {})


@pytest.mark.parametrize(
    ("bug", "name"),
    [
        ("heap-use-after-free", "use-after-free"),
        ("double-free", "double-free"),
        ("heap-buffer-overflow", "heap.overflow"),
        ("stack-buffer-overflow", "stack-smash"),
        ("free", "invalid-free"),
        ("a-bug-of-tomorrow", None),
    ],
)
def test_a_sanitizers_bug_has_its_name_here(bug: str, name: str | None) -> None:
    crash = case(6, -6, None, messages=(sanitizer(bug),))
    assert concluded(crash, *RULES) == ({name: "strong"} if name else {})


def test_undefined_behaviour_is_told_in_the_tools_words() -> None:
    message = sanitizer("signed integer overflow", "UndefinedBehaviorSanitizer")
    (found,) = judge(case(6, -6, None, messages=(message,)), RULES).classifiers
    assert found.name == "undefined"
    assert "signed integer overflow" in found.summary


def test_the_address_is_the_reports() -> None:
    message = sanitizer(
        "heap-use-after-free", address="0x5010", access="READ of size 1"
    )
    (found,) = judge(case(6, -6, None, messages=(message,)), RULES).classifiers
    assert found.address == 0x5010
    assert found.summary == "used freed memory (READ of size 1) at 0x5010 in victim"


@pytest.mark.parametrize("address", ["0x", "0x" + "f" * 40])
def test_an_address_that_is_none_is_left_out(address: str) -> None:
    message = sanitizer("heap-use-after-free", address=address)
    (found,) = judge(case(6, -6, None, messages=(message,)), RULES).classifiers
    assert found.address is None
