"""What a server answered with, as the error that it raised there."""

from __future__ import annotations

import httpx2
import msgspec

from coresnap import errors
from coresnap.errors import (
    ConflictError,
    CoresnapError,
    DeniedError,
    InputError,
    MissingError,
    NetworkError,
    QuotaError,
    StorageError,
    UsageError,
)
from coresnap.store.server.statuses import Failure

__all__ = ["error_of", "is_passing"]

_BY_STATUS: dict[int, type[CoresnapError]] = {
    400: UsageError,
    401: DeniedError,
    403: DeniedError,
    404: MissingError,
    409: ConflictError,
    413: InputError,
    422: InputError,
    429: QuotaError,
    507: StorageError,
}
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_SHOWN = 200


def is_passing(status: int) -> bool:
    """Say whether the same request may succeed later."""
    return status in _PASSING


def error_of(answer: httpx2.Response) -> CoresnapError:
    """Return the error that an answer with a status from 400 on tells of."""
    try:
        told = msgspec.json.decode(answer.content, type=Failure).error
    except msgspec.DecodeError:
        return _stranger(answer)
    kind = getattr(errors, told.class_, None)
    if not (isinstance(kind, type) and issubclass(kind, CoresnapError)):
        kind = _BY_STATUS.get(answer.status_code, NetworkError)
    try:
        return kind(told.message, remedy=told.remedy or None)
    except TypeError:  # a class whose instances are made of something else
        return CoresnapError(told.message, remedy=told.remedy)


def _stranger(answer: httpx2.Response) -> CoresnapError:
    """The error of an answer that is not our server's: a proxy's, a portal's."""
    kind = _BY_STATUS.get(answer.status_code, NetworkError)
    text = answer.text.strip().replace("\n", " ")[:_SHOWN]
    status = f"{answer.status_code} {answer.reason_phrase}"
    return kind(
        f"{answer.url.host} answered {status}: {text}",
        remedy="Whoever answered may not be a coroner server.",
    )
