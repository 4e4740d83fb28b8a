"""What the rules conclude, in the kernel's own words."""

from __future__ import annotations

import pytest

import kernel_panics as panics
from coresnap.analysis.kernel.case import case_of
from coresnap.analysis.kernel.verdict import judge_kernel, kernel_rules
from coresnap.model import Classifier


def judged(text: str) -> dict[str, Classifier]:
    classifiers, notes = judge_kernel(case_of(text))
    assert notes == ()
    return {one.name: one for one in reversed(classifiers)}


def test_a_page_fault_below_the_first_page_is_a_null_pointer() -> None:
    found = judged(panics.PAGE_FAULT)

    assert found["null.read"].summary.endswith("null pointer (offset 0x10)")
    assert found["memory.read"].confidence == "certain"
    assert "15 (usbus2: lab)" in found["memory.read"].evidence[0]
    assert found["memory.read"].address == 0x10
    assert "use-after-free" not in found


def test_a_page_fault_elsewhere_is_not() -> None:
    text = panics.PAGE_FAULT.replace("= 0x10\n", "= 0xfffffe0107fc1000\n")
    text = text.replace("supervisor read data", "supervisor write data")

    found = judged(text)

    assert "null" not in found
    assert found["memory.write"].address == 0xFFFFFE0107FC1000


def test_an_address_of_umas_junk_is_a_freed_items() -> None:
    text = panics.PAGE_FAULT.replace("= 0x10\n", "= 0xdeadc0dedeadc0f6\n")

    assert judged(text)["use-after-free"].address == 0xDEADC0DEDEADC0F6


def test_a_register_of_umas_junk_explains_a_protection_fault() -> None:
    plain = judged(panics.PROTECTION_FAULT)
    text = panics.PROTECTION_FAULT.replace(
        "trap number", "rax: deadc0dedeadc0de rbx: 0000000000000001\ntrap number"
    )
    told = judged(text)

    assert plain["noncanonical"].confidence == "probable"
    assert "use-after-free" not in plain
    assert told["noncanonical"].confidence == "strong"
    assert "rax 0xdeadc0dedeadc0de" in told["use-after-free"].evidence[1]


def test_redzone_tells_how_much_who_allocated_and_who_freed() -> None:
    found = judged(panics.REDZONE)["heap.overflow"]

    assert found.confidence == "certain"
    assert found.summary == "wrote 8 bytes behind a block of 100 bytes"
    assert found.address == 0xFFFFF800031ADA64
    assert found.evidence[1] == (
        "allocated by lab_allocate < sysctl_root_handler_locked"
    )
    assert found.evidence[2] == "freed by lab_release"


def test_redzone_before_a_block() -> None:
    text = panics.REDZONE.replace("overflow", "underflow").replace(
        "8 bytes corrupted after", "1 byte corrupted before"
    )

    assert judged(text)["heap.underflow"].summary == (
        "wrote 1 byte before a block of 100 bytes"
    )


def test_freed_memory_that_was_written_to() -> None:
    old = judged(panics.MODIFIED)["use-after-free"]
    new = judged(panics.MODIFIED_SINCE_14)["use-after-free"]

    assert old.address == 0xFFFFF80003A5C8F0
    assert old.summary == (
        "wrote to freed memory, an item of 2040 bytes last used by lab"
    )
    assert new.address == 0xFFFFF80003A5C810
    assert "of zone malloc-256" in new.summary


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (
            "Duplicate free of 0xfffff80339ef3000 from zone "
            "0xfffffe001ec2ea00(malloc-2048) slab 0xfffff80325789168(0)",
            "double-free",
        ),
        (
            "Duplicate free of item 0xfffff800030 from zone 0xfffff8000(malloc-64)",
            "double-free",
        ),
        ("MemGuard detected double-free of 0xfffffe0001234000", "double-free"),
        (
            "free: address 0xfffff80003(0xfffff80000) has not been allocated.",
            "invalid-free",
        ),
        ("mtx_lock() of destroyed mutex @ /usr/src/sys/x.c:10", "lock.destroyed"),
        ("sx_xlock() of destroyed sx @ /usr/src/sys/x.c:10", "lock.destroyed"),
        ("mtx_lock: recursed on non-recursive mutex lab @ x.c", "lock.recursion"),
        ("spin lock held too long", "lock.held"),
        ("sleeping thread", "lock.sleeping"),
        ("Sleeping on \"lab\" with the following non-sleepable locks", "lock.sleeping"),
        ("mutex lab not owned at /usr/src/sys/x.c:10", "lock.misuse"),
        ("blockable sleep lock (sleep mutex) lab @ x.c:2", "lock.misuse"),
        (
            "deadlres_td_sleep_q: possible deadlock detected for 0xfffff8, blocked",
            "deadlock",
        ),
        ("kmem_malloc(4096): kmem_map too small: 1 total allocated", "oom"),
        ("Assertion a == b failed at /usr/src/sys/x.c:10", "assert"),
        ("VERIFY3(0 == remove_reference()) failed", "assert"),
        ("solaris assert: zilog->zl_parent == lwb, file: zil.c, line: 1", "assert"),
        ("ffs_valloc: dup alloc", "filesystem.corrupt"),
        ("ffs_blkfree_cg: freeing free block", "filesystem.corrupt"),
        ("ufs_dirbad: /: bad dir ino 2 at offset 0: x", "filesystem.corrupt"),
        ("double fault", "stack-overflow"),
        ("watchdog timeout", "hang"),
        ("I/O to pool 'zroot' appears to be hung on vdev guid 1", "hang"),
        ("Bad link elm 0xfffff80003a5c800 next->prev != elm", "list.corrupt"),
        ("Bad tailq head 0xfffff80003 first->prev != head", "list.corrupt"),
        ("stack overflow detected; backtrace may be corrupted", "stack-smash"),
        ("Unrecoverable machine check exception", "machine-check"),
        ("NMI indicates hardware failure", "machine-check"),
        ("vm_fault_lookup: fault on nofault entry, addr: 0xfffffe0000", "memory"),
    ],
)  # fmt: skip
def test_the_words_of_a_panic(words: str, name: str) -> None:
    found = judged(f"panic: {words}\ncpuid = 0\n")

    assert {name, "panic"} <= set(found)
    assert all(one.rule and one.evidence and one.summary for one in found.values())


def test_a_panic_of_other_words_is_only_a_panic() -> None:
    found = judged("panic: lab: this is what I wanted\ncpuid = 3\n")

    assert set(found) == {"panic"}
    assert found["panic"].evidence[1] == "on cpu 3"


def test_who_holds_the_lock_is_evidence() -> None:
    text = (
        "Sleeping thread (tid 100066, pid 12) owns a non-sleepable lock\n"
        "panic: sleeping thread\n"
    )

    assert "tid 100066" in judged(text)["lock.sleeping"].evidence[1]


def test_an_order_of_locks_is_a_hint() -> None:
    text = (
        "lock order reversal:\n 1st 0xfffff800 lab (lab, sx) @ x.c:1\n"
        " 2nd 0xfffff801 giant (giant, sleep mutex) @ y.c:2\npanic: other\n"
    )

    assert judged(text)["lock.order"].confidence == "hint"


def test_an_assertion_is_known_by_its_function() -> None:
    text = (
        "panic: lab: bad state 3\nKDB: stack backtrace:\n"
        "vpanic() at vpanic+0x1\nkassert_panic() at kassert_panic+0x1\nf() at f+0x1\n"
    )

    assert judged(text)["assert"].summary.endswith("lab: bad state 3")


def test_every_rule_says_what_it_is() -> None:
    names = [type(rule).__name__ for rule in kernel_rules()]

    assert len(names) == len(set(names))
    for rule in kernel_rules():
        assert rule.names
        assert rule.confidence
        assert type(rule).__doc__
