"""Which HTTP status an error becomes, and what is sent of it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs
import msgspec

from coresnap.errors import (
    AccessError,
    ConflictError,
    CoresnapError,
    DeniedError,
    InputError,
    MissingError,
    NetworkError,
    NoSpaceError,
    QuotaError,
    StorageError,
    UsageError,
    WorkerError,
)

__all__ = ["Failure", "FailureBody", "Refusal", "failure_of", "status_of"]

_STATUSES: tuple[tuple[type[CoresnapError], int], ...] = (
    (UsageError, 400),
    (DeniedError, 403),
    (AccessError, 403),
    (MissingError, 404),
    (ConflictError, 409),
    (InputError, 422),
    (WorkerError, 422),
    (QuotaError, 429),
    (NoSpaceError, 507),
    (StorageError, 503),
    (NetworkError, 503),
)
"""The first class that fits counts."""

_RETRY_SECONDS = 5
_QUOTA_RETRY_SECONDS = 600


class FailureBody(msgspec.Struct, frozen=True):
    """What a client is told, so that it can raise the same."""

    class_: str = msgspec.field(name="class")
    """Name of a class of ``errors``."""
    message: str
    remedy: str


class Failure(msgspec.Struct, frozen=True):
    """The body of every answer with a status from 400 on."""

    error: FailureBody


@attrs.frozen
class Refusal(Exception):
    """A request that is answered with an error before a handler sees it."""

    status: int
    error: CoresnapError
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def later(cls, status: int, error: CoresnapError, seconds: float) -> Refusal:
        """Return a refusal that says when to try again."""
        return cls(status, error, {"retry-after": str(max(1, math.ceil(seconds)))})


def status_of(error: CoresnapError) -> Refusal:
    """Return how ``error`` is answered."""
    status = next((s for kind, s in _STATUSES if isinstance(error, kind)), 500)
    if status == 429:
        return Refusal.later(status, error, _QUOTA_RETRY_SECONDS)
    if status in (503, 507):
        return Refusal.later(status, error, _RETRY_SECONDS)
    return Refusal(status, error)


def failure_of(error: CoresnapError) -> bytes:
    """Return the JSON body that tells of ``error``."""
    body = FailureBody(type(error).__name__, str(error), error.remedy)
    return msgspec.json.encode(Failure(body))
