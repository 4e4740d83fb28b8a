"""Limits that the process had reached when it crashed, by what was kept beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, STRONG, Rule
from coresnap.model import Classifier

__all__ = ["RULES"]

_KIB = 1024
_MOST_DIGITS = 20
_NAME_WIDTH = 26
"""Characters of a limit's name in ``/proc/PID/limits`` (Linux ``fs/proc/base.c``)."""
_STACK_GAP = 256 * _KIB
"""A stack that could not grow ends that much before its limit at most: arguments and
environment count, and the kernel keeps a gap."""
_SIZES = (
    ("limit.as", "Max address space", "VmSize", "address space"),
    ("limit.data", "Max data size", "VmData", "data"),
    ("limit.memlock", "Max locked memory", "VmLck", "locked memory"),
)
_NEARLY = 0.95


class LimitSignal(Rule):
    """The kernel's own signals for limits: SIGXCPU for processor time, SIGXFSZ for the
    size of a file."""

    names = ("limit.cpu", "limit.fsize")
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it if the kernel sent the signal, not another process."""
        signal = case.signal
        if signal is None or signal.sender_pid not in (None, 0, case.core.process.pid):
            return
        if signal.name == "SIGXCPU":
            yield _reached(case, "limit.cpu", CERTAIN, "processor time", "SIGXCPU")
        elif signal.name == "SIGXFSZ":
            yield _reached(case, "limit.fsize", CERTAIN, "file size", "SIGXFSZ")


class DescriptorLimit(Rule):
    """As many descriptors were open as the process may have (RLIMIT_NOFILE)."""

    names = ("limit.nofile",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the descriptors and the limit that the capture kept."""
        limit = _limits(case.assets).get("Max open files")
        entries = case.assets.get("process/fd", b"").count(b"\0")
        if not limit or not entries:
            return
        said = f"{entries} descriptors open of {limit}"
        if entries >= limit:
            yield _reached(case, "limit.nofile", STRONG, "open files", said)
        elif entries >= limit * _NEARLY:
            yield _reached(case, "limit.nofile", PROBABLE, "open files", said)


class ThreadLimit(Rule):
    """The process alone had as many threads as its user may have (RLIMIT_NPROC)."""

    names = ("limit.nproc",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the number of threads in ``/proc/PID/status``.

        Only Linux counts threads as processes.
        """
        if case.core.system != "Linux":
            return
        limit = _limits(case.assets).get("Max processes")
        threads = _status(case.assets).get("Threads", 0)
        if limit and threads >= limit:
            said = f"{threads} threads of {limit}"
            yield _reached(case, "limit.nproc", STRONG, "processes", said)


class SizeLimit(Rule):
    """Address space, data or locked memory nearly as large as the limit allows: the
    next request had to fail."""

    names = ("limit.as", "limit.data", "limit.memlock")
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from ``/proc/PID/limits`` and ``status``."""
        limits, status = _limits(case.assets), _status(case.assets)
        for name, limit_name, key, what in _SIZES:
            limit, used = limits.get(limit_name), status.get(key, 0) * _KIB
            if limit and used >= limit * _NEARLY:
                said = f"{used} bytes of {limit}"
                yield _reached(case, name, PROBABLE, what, said)


class StackLimit(Rule):
    """The main thread's stack was as large as RLIMIT_STACK allows."""

    names = ("limit.stack",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the stack's size in ``/proc/PID/status``."""
        limit = _limits(case.assets).get("Max stack size")
        used = _status(case.assets).get("VmStk", 0) * _KIB
        if limit and used and used + min(_STACK_GAP, limit // 8) >= limit:
            said = f"{used} bytes of {limit}"
            yield _reached(case, "limit.stack", STRONG, "stack", said)


class CoreLimit(Rule):
    """The core ends where RLIMIT_CORE made the kernel stop."""

    names = ("limit.core",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from a truncated core of exactly the limit's size."""
        limit = _limits(case.assets).get("Max core file size")
        if limit and case.core.truncated and limit - 4096 < case.core.size <= limit:
            said = f"{case.core.size} bytes of {limit}"
            yield _reached(case, "limit.core", STRONG, "core size", said)


def _reached(case: Case, name: str, sure: str, what: str, said: str) -> Classifier:
    summary = f"had reached its limit of {what}"
    return Classifier(name, sure, (said,), case.tid, summary=summary)


def _limits(assets: Mapping[str, bytes]) -> dict[str, int]:
    """Soft limits by name; unlimited ones are left out."""
    found: dict[str, int] = {}
    text = assets.get("process/limits", b"").decode("utf-8", "replace")
    for line in text.splitlines()[1:]:
        name, words = line[:_NAME_WIDTH].strip(), line[_NAME_WIDTH:].split()
        if words and words[0].isdigit() and len(words[0]) <= _MOST_DIGITS:
            found[name] = int(words[0])
    return found


def _status(assets: Mapping[str, bytes]) -> dict[str, int]:
    """Numbers of ``/proc/PID/status``; sizes are KiB."""
    found: dict[str, int] = {}
    for line in assets.get("process/status", b"").splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split()
        if words and words[0].isdigit() and len(words[0]) <= _MOST_DIGITS:
            found[name.decode("utf-8", "replace")] = int(words[0])
    return found


RULES: tuple[Rule, ...] = (
    LimitSignal(),
    DescriptorLimit(),
    ThreadLimit(),
    SizeLimit(),
    StackLimit(),
    CoreLimit(),
)
