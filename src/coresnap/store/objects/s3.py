"""Bodies in a bucket of S3, or of a server that speaks it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import attrs
import boto3
import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

from coresnap.errors import MissingError, StorageError
from coresnap.store.objects.contract import Stored
from coresnap.store.objects.keys import check_key, check_prefix
from coresnap.store.objects.s3_failures import is_taken, meaning_of
from coresnap.store.objects.s3_stream import open_stream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

__all__ = ["Bucket", "S3Objects"]

_PART = 8 << 20
"""Bytes that are sent at once; S3 wants 5 MiB in every part but the last."""
_CONNECT_SECONDS = 5
_READ_SECONDS = 30
_ATTEMPTS = 5
_CONNECTIONS = 48


@attrs.frozen
class Bucket:
    """Where the objects are."""

    name: str
    prefix: str = ""
    """What our keys begin with there; ends with ``/``, or is empty."""
    endpoint: str | None = None
    """URL of a server that is not Amazon's."""
    region: str | None = None
    access_key: str | None = attrs.field(default=None, repr=False)
    """None: where boto3 looks, the environment first."""
    secret_key: str | None = attrs.field(default=None, repr=False)


class S3Objects:
    """Objects in S3. A body is durable, whole, before ``put`` returns.

    What fails for a moment is tried again, after longer and longer pauses with
    jitter, within ``read_seconds`` for each attempt.
    """

    def __init__(self, bucket: Bucket, *, read_seconds: float = _READ_SECONDS) -> None:
        """Take the bucket, which exists; nothing is sent yet."""
        self._bucket = bucket.name
        self._prefix = bucket.prefix
        try:
            self._client = _client(bucket, read_seconds)
        except (BotoCoreError, ValueError) as error:
            raise meaning_of(error, "use", bucket.name) from error

    def put(self, key: str, body: BinaryIO, size: int) -> bool:
        """Keep ``size`` bytes of ``body``; False if something is there already."""
        with _translated("write", key):
            try:
                self._send(self._name(key), body, size, once=True)
            except ClientError as error:
                if is_taken(error):
                    return False
                raise
        return True

    def replace(self, key: str, body: BinaryIO, size: int) -> None:
        """The same, in place of what is there."""
        with _translated("write", key):
            self._send(self._name(key), body, size, once=False)

    def open(self, key: str, start: int = 0, size: int | None = None) -> BinaryIO:
        """Open a body, or ``size`` bytes of it from ``start``, for reading."""
        if size == 0:
            return io.BytesIO()
        end = "" if size is None else str(start + size - 1)
        with _translated("read", key):
            where = {"Bucket": self._bucket, "Key": self._name(key)}
            if start or end:
                where["Range"] = f"bytes={start}-{end}"
            try:
                answer = self._client.get_object(**where)  # type: ignore[arg-type]
            except ClientError as error:
                if error.response["Error"]["Code"] in ("InvalidRange", "416"):
                    return io.BytesIO()  # it begins behind the end
                raise
        return open_stream(answer["Body"], key)

    def stat(self, key: str) -> Stored:
        """Return what is known of one."""
        with _translated("read", key):
            name = self._name(key)
            answer = self._client.head_object(Bucket=self._bucket, Key=name)
        modified = int(answer["LastModified"].timestamp())
        return Stored(key, answer["ContentLength"], modified)

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield all whose key begins with ``prefix``, by key."""
        check_prefix(prefix)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with _translated("list", prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    modified = int(found["LastModified"].timestamp())
                    yield Stored(key, found["Size"], modified)

    def remove(self, key: str) -> None:
        """Remove one; one that is not there is none the less gone."""
        with contextlib.suppress(MissingError), _translated("remove", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _send(self, name: str, body: BinaryIO, size: int, *, once: bool) -> None:
        if size > _PART:
            self._send_parts(name, body, size, once=once)
            return
        content = _read(body, size)
        condition = {"IfNoneMatch": "*"} if once else {}
        self._client.put_object(
            Bucket=self._bucket,
            Key=name,
            Body=content,
            ContentMD5=_digest(content),
            **condition,  # type: ignore[arg-type]
        )

    def _send_parts(self, name: str, body: BinaryIO, size: int, *, once: bool) -> None:
        where = {"Bucket": self._bucket, "Key": name}
        begun = self._client.create_multipart_upload(**where)  # type: ignore[arg-type]
        upload = begun["UploadId"]
        try:
            parts: list[CompletedPartTypeDef] = []
            for number, left in enumerate(range(size, 0, -_PART), 1):
                content = _read(body, min(left, _PART))
                answer = self._client.upload_part(
                    Bucket=self._bucket,
                    Key=name,
                    UploadId=upload,
                    PartNumber=number,
                    Body=content,
                    ContentMD5=_digest(content),
                )
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            condition = {"IfNoneMatch": "*"} if once else {}
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=name,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **condition,  # type: ignore[arg-type]
            )
        except BaseException:
            # What stays of it is billed, and listed nowhere.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=name, UploadId=upload
                )
            raise


def _client(bucket: Bucket, read_seconds: float) -> S3Client:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region or "us-east-1",
        aws_access_key_id=bucket.access_key,
        aws_secret_access_key=bucket.secret_key,
        config=botocore.config.Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=read_seconds,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # Other servers than Amazon's know one bucket per host, and no checksums
            # behind the body.
            s3={"addressing_style": "path" if bucket.endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _read(body: BinaryIO, size: int) -> bytes:
    content = body.read(size)
    if len(content) != size:
        missing = size - len(content)
        raise StorageError(f"a body ends {missing} bytes before its end")
    return content


def _digest(content: bytes) -> str:
    """Return what lets the server see that it has got all of it.

    Without it SeaweedFS 4.48 keeps the part that came when a connection broke.
    """
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


@contextlib.contextmanager
def _translated(doing: str, key: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise meaning_of(error, doing, key) from error
