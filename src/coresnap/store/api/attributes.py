"""What is set about attributes, and what the index left out."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint
from coresnap.store.api.queries import DescribedAttribute

__all__ = [
    "ATTRIBUTE_STATUS",
    "ENDPOINTS",
    "SET_ATTRIBUTE",
    "AttributeChange",
    "AttributeStatus",
    "LostValues",
    "WidenedAttribute",
]


class AttributeChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be another way about an attribute; None stays as it is."""

    kind: str | None = None
    """Only a wider one, and of attributes that were discovered."""
    format: str | None = None
    unit: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    description: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    is_protected: bool | None = None


class LostValues(msgspec.Struct, frozen=True):
    """Values that are not in the index, or not as they were; snapshots have them."""

    reason: str
    """``name``, ``number``, ``project``, ``size``, ``kind`` or ``reserved``
    (``docs/attributes.md``)."""
    count: int
    last: int
    """When: seconds, UTC since the epoch."""
    name: str
    """Of the last attribute to which it happened."""


class WidenedAttribute(msgspec.Struct, frozen=True):
    """An attribute whose values turned out to be of several kinds."""

    name: str
    narrow_kind: str
    """Before."""
    kind: str
    """Now."""
    last: int
    """When it was last widened: seconds, UTC since the epoch."""


class AttributeStatus(msgspec.Struct, frozen=True):
    """How the attributes of a project stand to the bounds."""

    discovered: int
    """Attributes that are not of the catalogue."""
    most: int
    """That there can be."""
    lost: tuple[LostValues, ...] = ()
    widened: tuple[WidenedAttribute, ...] = ()


SET_ATTRIBUTE = Endpoint(
    operation="set_attribute",
    method="PATCH",
    path=f"{SCOPE}/attributes/{{name}}",
    capability=Capability.ADMIN,
    summary="Say what an attribute is, and who may see it.",
    request=AttributeChange,
    answer=DescribedAttribute,
)
ATTRIBUTE_STATUS = Endpoint[msgspec.Struct, AttributeStatus](
    operation="attribute_status",
    method="GET",
    path=f"{SCOPE}/attribute-status",
    capability=Capability.QUERY,
    summary="Say which attributes the index left out or widened.",
    answer=AttributeStatus,
)

ENDPOINTS = (SET_ATTRIBUTE, ATTRIBUTE_STATUS)
