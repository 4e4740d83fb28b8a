"""The page of all operations of the store, made of its OpenAPI description."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from coresnap.store.api.endpoint import SCOPE, UNIVERSE
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.server.openapi import describe

__all__ = ["description", "operations_page"]

_REFERENCE = "#/components/schemas/"
_INTRODUCTION = """\
# All operations of the store

Made of the server's own OpenAPI {version} description, which it gives at
`{path}`; [here it is]({name}) as a file, for generators of clients.
[The page about HTTP](../http.md) says what all of them have in common. *Needs* is what
a token must [allow](../http.md#operations); bodies are JSON unless it says *bytes*.
"""


def description() -> bytes:
    """Return the OpenAPI description of all endpoints, as indented JSON."""
    return json.dumps(json.loads(describe(ENDPOINTS)), indent=1).encode() + b"\n"


def operations_page(name: str) -> str:
    """Return a page of all operations; the description lies beside it as ``name``."""
    document = json.loads(description())
    path = next(e.path for e in ENDPOINTS if e.operation == "openapi")
    introduction = _INTRODUCTION.format(
        version=document["openapi"], path=path, name=name
    )
    lines = [introduction, *_statuses(document)]
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    operations.sort(key=lambda found: _subject(found[0]))
    for subject, of_it in itertools.groupby(
        operations, lambda found: _subject(found[0])
    ):
        lines += [f"## {subject}", ""]
        for path, method, operation in of_it:
            lines += _operation(path, method, operation)
    lines += ["## Bodies", ""]
    for schema_name, schema in sorted(document["components"]["schemas"].items()):
        lines += _schema(schema_name, schema)
    return "\n".join(lines) + "\n"


def _subject(path: str) -> str:
    """What an operation is about: the first word of its path below its scope."""
    for scope in (SCOPE, UNIVERSE, "/api/v1"):
        path = path.removeprefix(scope)
    word = path.split("/")[1].partition(".")[0]
    return word.replace("-", " ").capitalize()


def _statuses(document: dict[str, Any]) -> Iterator[str]:
    """The failures, which all operations share."""
    first = next(iter(next(iter(document["paths"].values())).values()))
    yield "| status | means |"
    yield "|---|---|"
    for status, response in sorted(first["responses"].items()):
        if not status.startswith("2"):
            yield f"| {status} | {response['description']} |"
    yield ""
    yield f"All of these come with a {_kind({'$ref': _REFERENCE + 'Failure'})}."
    yield ""


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {operation['operationId']}"
    yield ""
    yield f"    {method.upper()} {path}"
    yield ""
    yield operation["summary"]
    yield ""
    yield f"- *needs* {operation.get('x-capability', 'no token')}"
    for parameter in operation["parameters"]:
        if parameter["in"] == "query":
            yield f"- `?{parameter['name']}=` {_parameter(parameter)}"
    if "requestBody" in operation:
        yield f"- *takes* {_content(operation['requestBody'])}"
    for status, response in operation["responses"].items():
        if status < "400":
            yield f"- *gives* {status}: {_content(response)}"
    yield ""


def _content(body: dict[str, Any]) -> str:
    for media_type, content in body.get("content", {}).items():
        if media_type == "application/json":
            return _kind(content["schema"])
        return f"bytes (`{media_type}`)"
    return str(body["description"])


def _parameter(parameter: dict[str, Any]) -> str:
    required = ", required" if parameter["required"] else ""
    said = parameter.get("description", "")
    return f"{_kind(parameter['schema'])}{required}. {said}"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if said := schema.get("description"):
        yield said.replace("``", "`")
        yield ""
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."
        yield ""
    if not schema.get("properties"):
        return
    required = set(schema.get("required", ()))
    yield "| field | kind | if it is absent |"
    yield "|---|---|---|"
    for field, kind in schema["properties"].items():
        note = "an error" if field in required else _default(kind)
        yield f"| `{field}` | {_cell(_kind(kind))} | {note} |"
    yield ""


def _default(schema: dict[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _kind(schema: dict[str, Any]) -> str:
    """What a value looks like, in words."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "prefixItems" in schema:
        return "array of " + ", ".join(map(_kind, schema["prefixItems"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        items = schema.get("items")
        return f"array of {_kind(items)}" if items else "array"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return kind + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    words = {
        "minimum": "from {}",
        "maximum": "to {}",
        "maxLength": "at most {} characters",
        "pattern": "of `{}`",
        "format": "({})",
    }
    said = [text.format(schema[key]) for key, text in words.items() if key in schema]
    return " " + ", ".join(said) if said else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
