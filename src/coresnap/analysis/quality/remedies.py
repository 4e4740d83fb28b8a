"""What would raise the score: one sentence that says what to do, or nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from coresnap.analysis.capture import CaptureFacts
from coresnap.model import Module, UnwindEnd

__all__ = ["capture_remedy", "end_remedy", "module_remedy", "variables_remedy"]

_CAPTURE: Mapping[str, str] = {
    "policy": "Set archive.keep = full in coresnap.conf to keep whole cores.",
    "quota": "Free disk space, or lower dump.quota in coresnap.conf.",
    "no-space": "Free disk space where the archive is (coresnap status tells where).",
    "inodes": "Free inodes where the archive is (coresnap status tells where).",
    "logical-limit": "Raise limit.logical in coresnap.conf.",
    "physical-limit": "Raise limit.physical in coresnap.conf.",
    "budget": "Raise parked.budget in coresnap.conf; see coresnap doctor.",
    "time-out": "Raise parked.budget in coresnap.conf; see coresnap doctor.",
    "admission": "Raise storm.rate in coresnap.conf to keep more crashes of a storm.",
    "io-error": "Check the disk that holds the archive (dmesg).",
}
"""By the reason that the handler gave."""
_VENDORS = (
    ("/usr/lib/x86_64-linux-gnu/", "Debian and Ubuntu have it in its -dbgsym package"),
    ("/usr/lib/aarch64-linux-gnu/", "Debian and Ubuntu have it in its -dbgsym package"),
    ("/usr/lib64/", "dnf debuginfo-install gets it on Fedora and RHEL"),
    ("/usr/local/", "the FreeBSD port builds it with WITH_DEBUG=yes"),
)
"""Where a library lies tells who built it, also when the core is read elsewhere."""


def module_remedy(module: Module | None, capture: CaptureFacts) -> str:
    """Where to get what names the frames in ``module``."""
    if module is None or module.symbols == "dwarf":
        # Of a start-up file or a function in assembly: nothing brings that.
        return ""
    name = posixpath.basename(module.path)
    build_id = f" (build-id {module.build_id})" if module.build_id else ""
    if module.file is None:
        kept = (
            ""
            if capture.rung is None
            else " Set modules.keep = all to keep it with the next core."
        )
        return (
            f"Analyse where {module.path}{build_id} is, or name a place with "
            f"--sysroot, --symbols or --debuginfod.{kept}"
        )
    vendor = next(
        (text for start, text in _VENDORS if module.path.startswith(start)), ""
    )
    if vendor:
        return (
            f"Install the debug information of {name}{build_id}: {vendor}; "
            "or let it be fetched with --debuginfod."
        )
    return (
        f"Build {name} with -g, or name the directory of its debug files with "
        "--symbols."
    )


def end_remedy(end: UnwindEnd) -> str:
    """What would make a stack that was cut reach its outer end."""
    if end is UnwindEnd.UNREADABLE:
        return "Keep the whole core: the stack's memory is not in it."
    if end is UnwindEnd.NO_RULE:
        return "Build with -fasynchronous-unwind-tables or -fno-omit-frame-pointer."
    return ""


def capture_remedy(capture: CaptureFacts) -> str:
    """Which setting would have kept more."""
    return _CAPTURE.get(capture.reason or "", "")


def variables_remedy(missing: Sequence[str]) -> str:
    """What the compiler dropped comes back with -Og; nothing else brings it back."""
    if any(reason.startswith("optimized out") for reason in missing):
        return "Build with -Og -g3 where this matters: the compiler kept no location."
    return ""
