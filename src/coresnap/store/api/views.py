"""Views that people keep: a page of the console with what it was narrowed to."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Name

__all__ = [
    "ENDPOINTS",
    "LIST_VIEWS",
    "REMOVE_VIEW",
    "SAVE_VIEW",
    "NewView",
    "SavedView",
    "SavedViewList",
]


class NewView(msgspec.Struct, frozen=True):
    """A view that is to be kept."""

    page: Name
    """The page's name in the console's addresses: ``groups``, ``explore``, …"""
    query: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    """Of the page's address, without the question mark."""


class SavedView(msgspec.Struct, frozen=True):
    """A view that is kept."""

    name: str
    page: str
    query: str
    who: str
    created: int
    """Seconds, UTC since the epoch."""


class SavedViewList(msgspec.Struct, frozen=True):
    """All views of a project, by name."""

    views: tuple[SavedView, ...]


LIST_VIEWS = Endpoint[msgspec.Struct, SavedViewList](
    operation="list_views",
    method="GET",
    path=f"{SCOPE}/views",
    capability=Capability.QUERY,
    summary="List the views that people keep.",
    answer=SavedViewList,
)
SAVE_VIEW = Endpoint(
    operation="save_view",
    method="PUT",
    path=f"{SCOPE}/views/{{view}}",
    capability=Capability.QUERY,
    summary="Keep a view by this name, in the place of one that has it.",
    request=NewView,
    answer=SavedView,
)
REMOVE_VIEW = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="remove_view",
    method="DELETE",
    path=f"{SCOPE}/views/{{view}}",
    capability=Capability.QUERY,
    summary="Keep a view no longer.",
)

ENDPOINTS = (LIST_VIEWS, SAVE_VIEW, REMOVE_VIEW)
