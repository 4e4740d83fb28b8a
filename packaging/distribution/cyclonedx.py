"""A wheel's parts as a CycloneDX document, for ``*.dist-info/sboms`` (PEP 770)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from distribution.parts import Part

__all__ = ["describe_wheel"]


def describe_wheel(
    version: str,
    parts: Iterable[Part],
    files: Mapping[str, tuple[bool, bytes]],
    package_of: Callable[[str], tuple[str, str] | None],
) -> bytes:
    """Return the document: each part with its licence, and its files with their sums.

    The form is CycloneDX 1.6. It has no time and no serial number, which would make
    two builds of the same source differ.
    """
    own = f"pkg:pypi/coresnap@{version}"
    components = [_component(part, files, package_of) for part in parts]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "coresnap",
                "version": version,
                "purl": own,
            }
        },
        "components": components,
        "dependencies": [
            {"ref": own, "dependsOn": [c["bom-ref"] for c in components]},
            *({"ref": component["bom-ref"]} for component in components),
        ],
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _component(
    part: Part,
    files: Mapping[str, tuple[bool, bytes]],
    package_of: Callable[[str], tuple[str, str] | None],
) -> dict[str, Any]:
    reference = f"coresnap:{part.name}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": part.name,
        "description": part.purpose,
        "licenses": [{"expression": part.licence}],
        "externalReferences": [{"type": "distribution", "url": part.source}],
        "components": [_file(name, files[name][1], reference) for name in part.files],
    }
    if part.version is not None:
        component["version"] = part.version
    for name in part.asked:
        if found := package_of(name):
            component["version"], component["purl"] = found
            break
    return component


def _file(name: str, data: bytes, reference: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {
        "type": "file",
        "bom-ref": f"{reference}/{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
