"""Which of the files beside a core travel in the snapshot.

What people ask for after the stacks. Maps, smaps and the tasks' files stay behind: they
are most of the tar, and the snapshot has mappings and threads of its own; so do the
system's figures, which are attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.analysis.capture import CAPTURE, CRASH

__all__ = ["retained_assets"]

_KEPT = frozenset(
    {
        CRASH,
        CAPTURE,
        *(f"process/{name}" for name in ("cgroup", "cmdline", "environ", "fd", "io")),
        *(f"process/{name}" for name in ("limits", "status", "cwd", "exe")),
        *(f"system/pressure/{name}" for name in ("cpu", "io", "memory")),
    }
)
_LONGEST = 64 * 1024


def retained_assets(assets: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what is kept of ``assets``, each cut at 64 KiB."""
    return {name: data[:_LONGEST] for name, data in assets.items() if name in _KEPT}
