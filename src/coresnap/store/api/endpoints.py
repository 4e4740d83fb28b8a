"""All endpoints. The server serves what stands here, and OpenAPI describes it."""

from __future__ import annotations

from typing import Any

from coresnap.store.api import (
    attachments,
    attributes,
    audit,
    faults,
    group_changes,
    group_comparisons,
    group_reopenings,
    group_rules,
    group_settings,
    groups,
    projects,
    queries,
    reprocessing,
    retention,
    sampling,
    scrubbing,
    service,
    symbols,
    telling,
    tokens,
    uploads,
    users,
    views,
)
from coresnap.store.api.endpoint import Endpoint

__all__ = ["ENDPOINTS"]

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    *service.ENDPOINTS,
    *faults.ENDPOINTS,
    *attachments.ENDPOINTS,
    *uploads.ENDPOINTS,
    *queries.ENDPOINTS,
    *groups.ENDPOINTS,
    *group_changes.ENDPOINTS,
    *group_settings.ENDPOINTS,
    *group_comparisons.ENDPOINTS,
    *group_reopenings.ENDPOINTS,
    *group_rules.ENDPOINTS,
    *reprocessing.ENDPOINTS,
    *attributes.ENDPOINTS,
    *sampling.ENDPOINTS,
    *retention.ENDPOINTS,
    *scrubbing.ENDPOINTS,
    *projects.ENDPOINTS,
    *symbols.ENDPOINTS,
    *telling.ENDPOINTS,
    *tokens.ENDPOINTS,
    *users.ENDPOINTS,
    *audit.ENDPOINTS,
    *views.ENDPOINTS,
)
