"""What an embedded index may use of its machine."""

from __future__ import annotations

import attrs

__all__ = ["DuckDBSettings"]


@attrs.frozen
class DuckDBSettings:
    """Limits of each project's file while it is open."""

    memory: int = 1 << 30
    """Bytes for buffers and queries; what needs more is on the disk, or is refused."""
    threads: int = 0
    """That one query runs in; 0: as many as there are processors."""
    open_projects: int = 8
    """Files that are kept open; more while more are asked at once."""
    query_seconds: float = 30.0
    """After which a query is given up."""
