"""Sending snapshots, and getting them back."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter
from coresnap.store.fault import Value

__all__ = [
    "ASK",
    "DELETE_FAULT",
    "ENDPOINTS",
    "GET_FAULT",
    "POST_FAULT",
    "Accepted",
    "Question",
    "Wish",
]


class Question(msgspec.Struct, frozen=True):
    """What a client says before it sends a snapshot."""

    object: str
    fingerprint: str
    size: int
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)


class Wish(msgspec.Struct, frozen=True):
    """What the store wants to have of it."""

    wanted: str
    """``all``; ``summary``: only section ``summary``, the fault counts and its body is
    not wanted; ``nothing``: it is there already."""
    reason: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """What became of a snapshot that was sent. It is on the store's disk now."""

    object: str
    fingerprint: str
    group: str
    is_duplicate: bool = False
    """It was there already, with the same bytes."""
    is_new_group: bool = False
    is_regression: bool = False
    """Its group was resolved, and is open again."""
    stored: str = "all"
    """``all``, or ``summary``: sampling kept the attributes only."""


POST_FAULT = Endpoint[msgspec.Struct, Accepted](
    operation="post_fault",
    method="POST",
    path=f"{SCOPE}/faults",
    capability=Capability.POST,
    summary="Store a snapshot; the same object twice is one fault.",
    takes_bytes=True,
    answer=Accepted,
    parameters=(
        Parameter("replace", bool, "Take the place of a fault with this object id."),
    ),
)
ASK = Endpoint(
    operation="ask",
    method="POST",
    path=f"{SCOPE}/ask",
    capability=Capability.POST,
    summary="Say whether a snapshot is wanted before it is sent.",
    request=Question,
    answer=Wish,
)
GET_FAULT = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="get_fault",
    method="GET",
    path=f"{SCOPE}/faults/{{object}}",
    capability=Capability.QUERY,
    summary="Return a snapshot, or a range of its bytes.",
    gives_bytes=True,
)
DELETE_FAULT = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="delete_fault",
    method="DELETE",
    path=f"{SCOPE}/faults/{{object}}",
    capability=Capability.ADMIN,
    summary="Remove a snapshot; its attributes stay unless all is asked for.",
    parameters=(Parameter("all", bool, "Forget the fault as a whole."),),
)

ENDPOINTS = (POST_FAULT, ASK, GET_FAULT, DELETE_FAULT)
