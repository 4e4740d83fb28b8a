"""Threads with one stack, written once.

A thread that is ``like`` another has its frames, without what is each thread's own.
The file holds them with the other thread only; a reader puts them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from coresnap.model import Frame, Thread

__all__ = ["bare", "fold", "unfold"]


def bare(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """The frames as any thread at the same place has them."""
    return tuple(
        msgspec.structs.replace(frame, variables=(), stack_pointer=None)
        for frame in frames
    )


def fold(threads: Iterable[Thread]) -> tuple[Thread, ...]:
    """Take the frames out of threads that are like another one."""
    return tuple(
        thread if thread.like is None else msgspec.structs.replace(thread, frames=())
        for thread in threads
    )


def unfold(threads: Sequence[Thread]) -> tuple[Thread, ...]:
    """Give threads that are like another one its frames, if it is there."""
    whole = {one.tid: one.frames for one in threads if one.like is None}
    wanted = {one.like for one in threads if one.like is not None}
    shared = {tid: bare(whole[tid]) for tid in wanted if tid in whole}
    return tuple(
        thread
        if thread.like is None
        else msgspec.structs.replace(thread, frames=shared.get(thread.like, ()))
        for thread in threads
    )
