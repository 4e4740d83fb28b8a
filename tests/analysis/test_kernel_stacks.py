"""Kernel stacks of a crashed process's threads, as /proc had them."""

from __future__ import annotations

import pytest

from coresnap.analysis.kernel_stacks import with_kernel_stacks
from coresnap.model import Thread, UnwindEnd

DUMPING = b"[<0>] do_coredump+0x6e1/0xf90\n[<0>] get_signal+0x8a1/0x8c0\n"
WAITING = b"[<0>] coredump_task_exit+0xd1/0x190\n[<0>] do_exit+0x1b/0x50\n"
HELD = b"[<0>] rpc_wait_bit_killable+0x1e/0xb0\n[<0>] nfs_file_read+0x6e/0xb0\n"


def thread(tid: int) -> Thread:
    return Thread(tid, tid == 1, UnwindEnd.OUTERMOST)


def test_the_crashed_thread_and_those_that_were_held_up() -> None:
    assets = {
        f"process/task/{tid}/stack": text
        for tid, text in ((1, DUMPING), (2, WAITING), (3, HELD))
    }

    found = with_kernel_stacks([thread(tid) for tid in (1, 2, 3, 4)], assets)

    assert [[a.message for a in one.annotations] for one in found] == [
        ["in the kernel: do_coredump < get_signal"],
        [],
        ["in the kernel: rpc_wait_bit_killable < nfs_file_read"],
        [],
    ]


@pytest.mark.parametrize("text", [b"", b"0\n", b"[<0>] \xff+0x1/0x2\n", b"x" * 9999])
def test_what_is_no_stack_says_nothing(text: bytes) -> None:
    (found,) = with_kernel_stacks([thread(1)], {"process/task/1/stack": text})

    assert found.annotations == ()


def test_a_long_stack_is_cut() -> None:
    text = b"[<0>] f+0x1/0x2\n" * 500

    (found,) = with_kernel_stacks([thread(1)], {"process/task/1/stack": text})

    assert found.annotations[0].message.count("f") == 32
