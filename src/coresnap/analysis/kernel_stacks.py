"""Where in Linux's kernel each thread stood, by what the handler read at the crash.

``/proc/PID/task/TID/stack`` (proc_pid_stack(5)) is readable to root alone. By then the
threads have met for the dump; one that stands elsewhere was held up in the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from coresnap.model import Annotation, Thread

__all__ = ["with_kernel_stacks"]

_LINE = re.compile(rb"\[<[0-9a-f]{1,16}>\] ([\w.$]{1,200})\+0x[0-9a-f]+/0x[0-9a-f]+")
_MOST = 32
_WAITING = frozenset(
    {"coredump_task_exit", "exit_mm", "do_exit", "do_coredump", "vfs_coredump"}
)
"""One of these is in every stack of a process that is being dumped."""


def with_kernel_stacks(
    threads: Sequence[Thread], assets: Mapping[str, bytes]
) -> list[Thread]:
    """Return the threads, those with an annotation whose stack tells something: the
    crashed one, and others that did not wait for the dump."""
    return [_annotated(thread, assets) for thread in threads]


def _annotated(thread: Thread, assets: Mapping[str, bytes]) -> Thread:
    text = assets.get(f"process/task/{thread.tid}/stack", b"")
    names = [m.decode("ascii") for m in _LINE.findall(text)][:_MOST]
    if not names or (not thread.crashed and not _WAITING.isdisjoint(names)):
        return thread
    said = Annotation("comment", f"in the kernel: {' < '.join(names)}")
    return msgspec.structs.replace(thread, annotations=(*thread.annotations, said))
