"""What S3's errors mean to us."""

from __future__ import annotations

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from coresnap.errors import CoresnapError, MissingError, NoSpaceError, StorageError

__all__ = ["is_taken", "meaning_of"]

_TAKEN = frozenset({"PreconditionFailed", "412"})
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_FULL = frozenset({"QuotaExceeded", "InsufficientStorage", "507", "XMinioStorageFull"})
_DENIED = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403"),
        *("ExpiredToken", "InvalidToken", "RequestTimeTooSkewed", "Forbidden"),
    }
)
_CREDENTIALS = (
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the file that the URL's "
    "`credentials` names, and this machine's clock."
)


def is_taken(error: ClientError) -> bool:
    """Return whether a conditional put found something there."""
    return _code(error) in _TAKEN


def meaning_of(error: Exception, doing: str, key: str) -> CoresnapError:
    """Return the error of the tree that stands for one of S3."""
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return StorageError(
            f"cannot {doing} {key}: there are no credentials for S3",
            remedy=_CREDENTIALS,
        )
    if not isinstance(error, ClientError):
        # Its text has names and time limits, no credentials.
        return StorageError(
            f"cannot {doing} {key}: {error}",
            remedy="See whether the S3 server of objects.url can be reached.",
        )
    code = _code(error)
    if code in _MISSING:
        return MissingError(f"no such object: {key}")
    message = f"cannot {doing} {key}: S3 says {code}"
    if code in _DENIED:
        message = f"{message}: it refuses our credentials"
        return StorageError(message, remedy=_CREDENTIALS)
    if code in _FULL:
        return NoSpaceError(message, remedy="Free space there, or lower quotas.")
    return StorageError(message)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "nothing"))
