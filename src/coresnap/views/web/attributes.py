"""The attributes that a page may ask about."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.views.web.page import Visit

__all__ = ["known_attributes"]


def known_attributes(visit: Visit) -> Mapping[str, Attribute]:
    """Return the attributes of the project that the visitor may see, by name."""
    return {
        one.name: Attribute(one.name, Kind(one.kind), one.format, one.unit)
        for one in visit.ask("describe").attributes
    }
