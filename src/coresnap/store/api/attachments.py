"""Files that people add to a fault: logs, configurations, whatever explains it."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter

__all__ = [
    "ADD_ATTACHMENT",
    "DELETE_ATTACHMENT",
    "ENDPOINTS",
    "GET_ATTACHMENT",
    "LIST_ATTACHMENTS",
    "Attachment",
    "AttachmentList",
]


class Attachment(msgspec.Struct, frozen=True):
    """One file."""

    id: str
    """16 hex digits; once in a fault."""
    name: str
    """As who added it calls it."""
    content_type: str
    size: int
    digest: str
    """SHA-256."""
    added: int
    """Seconds, UTC since the epoch."""
    by: str


class AttachmentList(msgspec.Struct, frozen=True):
    """All files of a fault, the oldest first."""

    attachments: tuple[Attachment, ...]


_OF_FAULT = f"{SCOPE}/faults/{{object}}/attachments"

LIST_ATTACHMENTS = Endpoint[msgspec.Struct, AttachmentList](
    operation="list_attachments",
    method="GET",
    path=_OF_FAULT,
    capability=Capability.QUERY,
    summary="List the files that were added to a fault.",
    answer=AttachmentList,
)
ADD_ATTACHMENT = Endpoint[msgspec.Struct, Attachment](
    operation="add_attachment",
    method="POST",
    path=_OF_FAULT,
    capability=Capability.POST,
    summary="Add a file to a fault; the same bytes with the same name are one file.",
    takes_bytes=True,
    answer=Attachment,
    parameters=(
        Parameter("name", str, "What it is called.", is_required=True),
        Parameter("content_type", str, "Its media type."),
    ),
)
GET_ATTACHMENT = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="get_attachment",
    method="GET",
    path=f"{_OF_FAULT}/{{attachment}}",
    capability=Capability.QUERY,
    summary="Return a file, or a range of its bytes.",
    gives_bytes=True,
)
DELETE_ATTACHMENT = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="delete_attachment",
    method="DELETE",
    path=f"{_OF_FAULT}/{{attachment}}",
    capability=Capability.ADMIN,
    summary="Remove a file of a fault.",
)

ENDPOINTS = (
    LIST_ATTACHMENTS,
    ADD_ATTACHMENT,
    GET_ATTACHMENT,
    DELETE_ATTACHMENT,
)
