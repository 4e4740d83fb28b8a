"""All endpoints. The server serves what stands here, and OpenAPI describes it."""

from __future__ import annotations

from typing import Any

from coresnap.store.api import faults, queries
from coresnap.store.api.endpoint import Endpoint

__all__ = ["ENDPOINTS"]

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    *faults.ENDPOINTS,
    *queries.ENDPOINTS,
)
