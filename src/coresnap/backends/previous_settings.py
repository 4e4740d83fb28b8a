"""What ``install`` found in the system, kept for ``uninstall``; root's alone."""

from __future__ import annotations

import json
from pathlib import Path

from coresnap.backends.archive_files import replace_file

__all__ = ["load_previous", "save_previous"]


def save_previous(path: Path, values: dict[str, str]) -> None:
    """Keep ``values`` for ``uninstall``; what an earlier install kept stays."""
    if not path.exists():
        replace_file(path, json.dumps(values, indent=2).encode() + b"\n", 0o600)


def load_previous(path: Path) -> dict[str, str]:
    """Return what ``save_previous`` kept; empty if nothing, or nothing readable."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {k: v for k, v in values.items() if isinstance(v, str)}
