"""Queries, and the attributes that they can use."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.api.queries import AttributeList, DescribedAttribute
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.attributes.known import known
from coresnap.store.groups.asking import asks_of_groups
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.query.result import Result
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS", "visible_attributes"]


def _query(call: Call) -> Result:
    assert call.project is not None
    if asks_of_groups(call.body):
        sync_groups(call.store, call.project)
    return call.store.index.query(call.project.id, call.body, visible_attributes(call))


def _describe(call: Call) -> AttributeList:
    visible = visible_attributes(call)
    return AttributeList(tuple(_described(visible[name]) for name in sorted(visible)))


def visible_attributes(call: Call) -> Mapping[str, Attribute]:
    """Return the attributes that may be asked about: what is protected is not there
    for guests, not even to filter by it."""
    assert call.project is not None
    with call.store.state.read() as connection:
        found = known(connection, call.project)
    if not call.identity.is_guest:
        return found
    return {name: one for name, one in found.items() if not one.is_protected}


def _described(attribute: Attribute) -> DescribedAttribute:
    return DescribedAttribute(
        name=attribute.name,
        kind=attribute.kind,
        format=attribute.format,
        unit=attribute.unit,
        description=attribute.description,
        is_protected=attribute.is_protected,
        is_known=attribute.is_known,
    )


HANDLERS: Mapping[str, Handler] = {"describe": _describe, "query": _query}
