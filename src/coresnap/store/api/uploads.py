"""Sending a snapshot in pieces, so that a broken connection costs one piece."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter
from coresnap.store.api.faults import Accepted

__all__ = [
    "BEGIN_UPLOAD",
    "CANCEL_UPLOAD",
    "CONTINUE_UPLOAD",
    "ENDPOINTS",
    "FINISH_UPLOAD",
    "GET_UPLOAD",
    "NewUpload",
    "Upload",
]


class NewUpload(msgspec.Struct, frozen=True):
    """What is going to be sent."""

    size: Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
    """Bytes."""
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of them."""


class Upload(msgspec.Struct, frozen=True):
    """How far an upload is."""

    id: str
    """The same whenever the same bytes are sent to the same project."""
    size: int
    offset: int
    """How many bytes are on the server's disk; the next piece begins there."""
    expires: int
    """When it is forgotten unless it goes on: seconds, UTC since the epoch."""


BEGIN_UPLOAD = Endpoint(
    operation="begin_upload",
    method="POST",
    path=f"{SCOPE}/uploads",
    capability=Capability.POST,
    summary="Begin an upload, or find the one that was begun with the same bytes.",
    request=NewUpload,
    answer=Upload,
)
GET_UPLOAD = Endpoint[msgspec.Struct, Upload](
    operation="get_upload",
    method="GET",
    path=f"{SCOPE}/uploads/{{upload}}",
    capability=Capability.POST,
    summary="Say how far an upload is.",
    answer=Upload,
)
CONTINUE_UPLOAD = Endpoint[msgspec.Struct, Upload](
    operation="continue_upload",
    method="PATCH",
    path=f"{SCOPE}/uploads/{{upload}}",
    capability=Capability.POST,
    summary="Send the piece of an upload that begins at an offset.",
    takes_bytes=True,
    answer=Upload,
    parameters=(Parameter("offset", int, "Where the piece begins.", is_required=True),),
)
FINISH_UPLOAD = Endpoint[msgspec.Struct, Accepted](
    operation="finish_upload",
    method="POST",
    path=f"{SCOPE}/uploads/{{upload}}",
    capability=Capability.POST,
    summary="Store the snapshot that was sent in pieces, as a single request does.",
    answer=Accepted,
    parameters=(
        Parameter("replace", bool, "Take the place of a fault with this object id."),
    ),
)
CANCEL_UPLOAD = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="cancel_upload",
    method="DELETE",
    path=f"{SCOPE}/uploads/{{upload}}",
    capability=Capability.POST,
    summary="Forget an upload and what was sent of it.",
)

ENDPOINTS = (BEGIN_UPLOAD, GET_UPLOAD, CONTINUE_UPLOAD, FINISH_UPLOAD, CANCEL_UPLOAD)
