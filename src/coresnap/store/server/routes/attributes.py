"""What is set about attributes."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.api.attributes import AttributeChange, AttributeStatus
from coresnap.store.api.queries import DescribedAttribute
from coresnap.store.attributes import settings
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS"]


def _set(call: Call) -> DescribedAttribute:
    assert call.project is not None
    assert isinstance(call.body, AttributeChange)
    project, name, change = call.project, call.path["name"], call.body
    return _described(
        call.store.state.transact(
            lambda connection: settings.set_attribute(connection, project, name, change)
        )
    )


def _status(call: Call) -> AttributeStatus:
    assert call.project is not None
    with call.store.state.read() as connection:
        return settings.attribute_status(connection, call.project)


def _described(attribute: Attribute) -> DescribedAttribute:
    return DescribedAttribute(
        attribute.name,
        attribute.kind,
        attribute.format,
        attribute.unit,
        attribute.description,
        attribute.is_protected,
        attribute.is_known,
    )


HANDLERS: Mapping[str, Handler] = {
    "set_attribute": _set,
    "attribute_status": _status,
}
