"""Files that people add to faults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO

from coresnap.errors import DeniedError, MissingError, UsageError
from coresnap.store.api.attachments import Attachment, AttachmentList
from coresnap.store.attachments.keeping import Added, add, attachments_of, find, remove
from coresnap.store.server.call import Call, Content, Handler, Staged
from coresnap.store.server.server import Server

__all__ = ["handlers"]

_NAME_MAX = 256
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}")
_OBJECT = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[0-9a-f]{16}")


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers; what is added counts for the project's quotas."""

    def post(call: Call) -> Attachment:
        assert call.project is not None
        assert isinstance(call.body, Staged)
        size = call.body.size
        server.quotas.check(call.project, size, faults=0)
        server.fullness.check(call.project, size)
        added = _add(call, call.body)
        if not added.is_duplicate:
            server.quotas.add(call.project, size, faults=0)
            server.fullness.add(call.project, size)
        return added.attachment

    def delete(call: Call) -> None:
        assert call.project is not None
        remove(call.store, call.project, _object(call), _id(call))
        server.fullness.forget(call.project)

    return {
        "list_attachments": _list,
        "add_attachment": post,
        "get_attachment": _get,
        "delete_attachment": delete,
    }


def _add(call: Call, staged: Staged) -> Added:
    assert call.project is not None
    name = str(call.parameters["name"])
    if not name.isprintable() or not 0 < len(name) <= _NAME_MAX or "/" in name:
        raise UsageError(f"a name has 1 to {_NAME_MAX} printable characters and no /")
    kind = str(call.parameters.get("content_type", "application/octet-stream"))
    if not _TYPE.fullmatch(kind):
        raise UsageError("content_type is no media type")
    return add(
        call.store,
        call.project,
        _object(call),
        staged,
        name,
        kind,
        call.identity.name,
    )


def _list(call: Call) -> AttachmentList:
    assert call.project is not None
    with call.store.state.read() as connection:
        found = attachments_of(connection, call.project, _object(call))
    return AttachmentList(tuple(found))


def _get(call: Call) -> Content:
    assert call.project is not None
    if call.identity.is_guest:
        raise DeniedError(
            f"{call.identity.name!r} is a guest: attachments hold secrets"
        )
    attachment, key = find(call.store, call.project, _object(call), _id(call))
    objects = call.store.objects

    def open_part(start: int, size: int) -> BinaryIO:
        return objects.open(key, start, size)

    # Never as what its sender says it is: a browser would run it as ours.
    return Content(open_part, attachment.size, attachment.digest)


def _object(call: Call) -> str:
    object_id = call.path["object"].replace("-", "").lower()
    if not _OBJECT.fullmatch(object_id):
        raise MissingError("that is no object id")
    return object_id


def _id(call: Call) -> str:
    if not _ID.fullmatch(call.path["attachment"]):
        raise MissingError("there is no such attachment")
    return call.path["attachment"]
