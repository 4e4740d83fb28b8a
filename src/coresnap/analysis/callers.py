"""Whose call it was: the first frame outwards that is of no library of the system."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from coresnap.model import Frame

__all__ = ["first_outside_libraries", "is_of_a_runtime"]

_RUNTIMES = (
    "ld-elf",
    "ld-linux",
    "ld-musl",
    "libasan.so",
    "libc++.so",
    "libc++abi.so",
    "libc-2.",
    "libc.so",
    "libcxxrt.so",
    "libgcc_s.so",
    "libglib-2.0.so",
    "libglog.so",
    "libjemalloc.so",
    "libmimalloc.so",
    "libpthread",
    "libstdc++.so",
    "libsys.so",
    "libtcmalloc",
    "libthr.so",
    "libunwind.so",
)
_FUNCTIONS = frozenset(
    {
        "__abort",
        "__assert",
        "__assert_fail",
        "__assert_fail_base",
        "__fail",
        "__chk_fail",
        "__fortify_fail",
        "__libc_fatal",
        "__libc_message",
        "__pthread_kill_implementation",
        "__pthread_kill_internal",
        "__stack_chk_fail",
        "_int_free",
        "_int_malloc",
        "_int_realloc",
        "abort",
        "free",
        "gsignal",
        "kill",
        "malloc",
        "malloc_printerr",
        "pthread_kill",
        "raise",
        "realloc",
        "thr_kill",
    }
)
"""Names of such functions in programs that were linked with them statically."""


_PREFIXES = (
    "__asan",
    "__cxxabiv1::",
    "__gnu_cxx::",
    "__hwasan",
    "__interceptor_",
    "__rust_",
    "__msan",
    "__sanitizer",
    "__tsan",
    "__ubsan",
    "absl::",
    "alloc::",
    "core::",
    "google::Log",
    "panic_abort::",
    "panic_unwind::",
    "runtime.",
    "rust_begin_unwind",
    "rust_panic",
    "std::",
)


def is_of_a_runtime(frame: Frame) -> bool:
    """Whether the frame belongs to libc, an allocator or a language's run-time."""
    module = os.path.basename(frame.module or "")
    if module.startswith(_RUNTIMES):
        return True
    if frame.function is not None and frame.function.startswith(_PREFIXES):
        return True
    name = (frame.function or "").removeprefix("__GI_").removeprefix("__libc_")
    name = name.removeprefix("__sys_")
    return name in _FUNCTIONS or name.removeprefix("_") in _FUNCTIONS


def first_outside_libraries(frames: Sequence[Frame]) -> int | None:
    """Index of the first frame that called into libc, an allocator or a language's
    run-time; None if all frames are theirs."""
    for index, frame in enumerate(frames):
        if not is_of_a_runtime(frame) and not frame.signal_frame:
            return index
    return None
