"""What a request carries: token, parameters, body; read with limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request

from coresnap.errors import DeniedError, InputError, NetworkError, UsageError
from coresnap.store.api.endpoint import Endpoint
from coresnap.store.server.statuses import Refusal

__all__ = ["body_chunks", "decoded", "parameters_of", "read_body", "secret_of"]

_IDLE_SECONDS = 30.0
_LARGEST = 1 << 63
_SLOWEST = 1024
"""Bytes a second that a body must have after the first 30 seconds."""


def secret_of(request: Request) -> str:
    """Return the token that the request shows; raise Refusal (401) without one."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Refusal(
            401,
            DeniedError("this needs a token: Authorization: Bearer <64 hex digits>"),
            {"www-authenticate": "Bearer"},
        )
    return secret.strip()


def parameters_of(
    endpoint: Endpoint[Any, Any], request: Request
) -> Mapping[str, str | int | bool]:
    """Return the declared parameters that were given.

    Raises UsageError for one that is not declared, stands twice, is of another kind or
    missing.
    """
    declared = {parameter.name: parameter for parameter in endpoint.parameters}
    found: dict[str, str | int | bool] = {}
    for name, text in request.query_params.multi_items():
        if name not in declared:
            raise UsageError(f"there is no parameter {name[:40]!r}")
        if name in found:
            raise UsageError(f"parameter {name!r} stands twice")
        found[name] = _converted(name, text, declared[name].kind)
    for name, parameter in declared.items():
        if parameter.is_required and name not in found:
            raise UsageError(f"parameter {name!r} is missing: {parameter.meaning}")
    return found


def _converted(
    name: str, text: str, kind: type[str] | type[int] | type[bool]
) -> str | int | bool:
    if kind is str:
        return text
    convert: Callable[..., int | bool] = msgspec.convert
    try:
        value = convert(text, kind, strict=False)
    except (msgspec.ValidationError, ValueError):
        what = "true or false" if kind is bool else "a whole number"
        raise UsageError(f"parameter {name!r} is not {what}: {text[:40]!r}") from None
    if not -_LARGEST <= value < _LARGEST:
        raise UsageError(f"parameter {name!r} has more than 64 bits")
    return value


def decoded(endpoint: Endpoint[Any, Any], body: bytes) -> msgspec.Struct:
    """Return the request that JSON ``body`` is; raise UsageError if it is none."""
    assert endpoint.request is not None
    try:
        found: msgspec.Struct = msgspec.json.decode(body, type=endpoint.request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the request's body: {error}") from None
    return found


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body of at most ``limit`` bytes; raise Refusal (413, 408)."""
    return b"".join([chunk async for chunk in body_chunks(request, limit)])


async def body_chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises Refusal for one longer than ``limit`` bytes (413), one that is encoded (415),
    or comes too slowly (408).
    """
    _check_headers(request, limit)
    began, size, is_whole = time.monotonic(), 0, False
    while not is_whole:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):  # wait_for makes a task
                message = await request.receive()
        except TimeoutError:
            raise _too_slow() from None
        if message["type"] == "http.disconnect":
            raise Refusal(400, InputError("the client went away"))
        chunk = message.get("body", b"")
        is_whole = not message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if size < _SLOWEST * (time.monotonic() - began - _IDLE_SECONDS):
            raise _too_slow()
        if chunk:
            yield chunk


def _check_headers(request: Request, limit: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, UsageError("bodies are taken as they are, without encoding"))


def _too_large(limit: int) -> Refusal:
    error = InputError(
        f"the body has more than {limit} bytes",
        remedy="Send less, or let the server take more (limit.* in coronerd.conf).",
    )
    return Refusal(413, error)


def _too_slow() -> Refusal:
    return Refusal(408, NetworkError("the body came too slowly"))
