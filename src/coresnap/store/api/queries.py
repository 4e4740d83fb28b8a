"""Asking: queries over faults, and which attributes there are."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result

__all__ = ["DESCRIBE", "ENDPOINTS", "QUERY", "AttributeList", "DescribedAttribute"]


class DescribedAttribute(msgspec.Struct, frozen=True):
    """One attribute of a project; fields as in ``store.attributes.Attribute``."""

    name: str
    kind: str
    format: str
    unit: str
    description: str
    is_protected: bool
    is_known: bool


class AttributeList(msgspec.Struct, frozen=True):
    """All attributes of a project, by name."""

    attributes: tuple[DescribedAttribute, ...]


QUERY = Endpoint(
    operation="query",
    method="POST",
    path=f"{SCOPE}/query",
    capability=Capability.QUERY,
    summary="Answer a query over the project's faults.",
    request=Query,
    answer=Result,
    only_reads=True,
)
DESCRIBE = Endpoint[msgspec.Struct, AttributeList](
    operation="describe",
    method="GET",
    path=f"{SCOPE}/attributes",
    capability=Capability.QUERY,
    summary="List the attributes that the project's faults have.",
    answer=AttributeList,
)

ENDPOINTS = (QUERY, DESCRIBE)
