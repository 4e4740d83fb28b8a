"""The OpenAPI 3.1 description, made from the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from coresnap.store.api.endpoint import Endpoint, Parameter
from coresnap.store.server.statuses import Failure

__all__ = ["describe"]

_NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
_KINDS = {str: "string", int: "integer", bool: "boolean"}
_ERRORS = {
    "400": "The request makes no sense.",
    "401": "There is no good token.",
    "403": "The token does not allow it.",
    "404": "It is not there, or not for this token.",
    "405": "The address does not take this method.",
    "408": "The body came too slowly.",
    "409": "Something else is there already.",
    "413": "The body is too large.",
    "415": "The body is encoded.",
    "422": "What was sent is not what it should be.",
    "429": "Too often, or too much for a day; `Retry-After` says when.",
    "503": "The server is busy, or a part of it is not there; `Retry-After` says when.",
    "507": "The server's disk is full.",
}


def describe(endpoints: Sequence[Endpoint[Any, Any]]) -> bytes:
    """Return the description of ``endpoints``, as JSON."""
    kinds = {e.request for e in endpoints if e.request is not None}
    kinds |= {e.answer for e in endpoints if e.answer is not None}
    ordered = [Failure, *sorted(kinds, key=lambda kind: kind.__name__)]
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(ordered, schemas, strict=True))
    document = {
        "openapi": "3.1.0",
        "info": {"title": "coroner", "version": version("coresnap")},
        "paths": _paths(endpoints, schema_of),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(document)


def _paths(
    endpoints: Iterable[Endpoint[Any, Any]], schema_of: dict[Any, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        methods = paths.setdefault(endpoint.path, {})
        methods[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return paths


def _operation(
    endpoint: Endpoint[Any, Any], schema_of: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    failure = _json_body(schema_of[Failure])
    responses: dict[str, Any] = {
        status: {"description": meaning, "content": failure}
        for status, meaning in _ERRORS.items()
    }
    responses |= _successes(endpoint, schema_of)
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "parameters": [
            *map(_path_parameter, re.findall(r"\{(\w+)\}", endpoint.path)),
            *map(_query_parameter, endpoint.parameters),
        ],
        "responses": responses,
    }
    if endpoint.capability is not None:
        operation["security"] = [{"token": []}]
        operation["x-capability"] = endpoint.capability
    if endpoint.request is not None:
        content = _json_body(schema_of[endpoint.request])
        operation["requestBody"] = {"required": True, "content": content}
    elif endpoint.takes_bytes:
        operation["requestBody"] = {"required": True, "content": _BYTES}
    return operation


_BYTES = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}


def _json_body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _successes(
    endpoint: Endpoint[Any, Any], schema_of: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    if endpoint.answer is not None:
        content = _json_body(schema_of[endpoint.answer])
        return {"200": {"description": "Done.", "content": content}}
    if endpoint.gives_bytes:
        return {
            "200": {"description": "All bytes."},
            "206": {"description": "The bytes that Range asks for."},
            "304": {"description": "If-None-Match has the entity tag."},
            "416": {"description": "Range asks for bytes beyond the end."},
        }
    return {"204": {"description": "Done."}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name in ("universe", "project", "user"):
        schema["pattern"] = _NAME
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.meaning,
        "schema": {"type": _KINDS[parameter.kind]},
    }
