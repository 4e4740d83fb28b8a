"""All parts of what deb and rpm packages install, as a CycloneDX document.

The environment is made from the lock of the packages, and asked by cyclonedx-py for its
distributions, their versions and licences. To each of them come the libraries
that its wheel bundles: by the wheel's own list of them (PEP 770), and as files.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.command import run
from builder.places import PACKAGING, REPOSITORY

__all__ = ["write_sbom"]


def write_sbom(output: Path, epoch: int) -> Path:
    """Write ``coresnap-VERSION.cdx.json`` into ``output``; return it.

    Raises BuildError if the environment cannot be made. ``epoch`` is not used: the
    document has no time.
    """
    del epoch
    with tempfile.TemporaryDirectory(prefix="coresnap-sbom-") as directory:
        environment = Path(directory, "environment")
        _install(environment)
        document = _described(environment)
        _add_bundled(document, environment)
    version = document["metadata"]["component"]["version"]
    path = output / f"coresnap-{version}.cdx.json"
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    return path


def _install(environment: Path) -> None:
    """Make the environment of the package coroner-server, which has coresnap's, too."""
    run(["uv", "venv", "--quiet", "--python", "/usr/bin/python3", str(environment)])
    words = ["uv", "pip", "install", "--quiet", "--no-config", "--no-deps"]
    words += ["--only-binary", ":all:", "--require-hashes"]
    lock = str(PACKAGING / "requirements-server.txt")
    run([*words, "--python", str(environment / "bin" / "python"), "-r", lock])


def _described(environment: Path) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        words = ["cyclonedx-py", "environment", "--output-reproducible"]
        words += ["--spec-version", "1.6", "--mc-type", "application"]
        words += ["--pyproject", str(REPOSITORY / "pyproject.toml")]
        python = str(environment / "bin" / "python")
        run([*words, "--output-file", file.name, python])
        document: dict[str, Any] = json.load(file)
    return document


def _add_bundled(document: dict[str, Any], environment: Path) -> None:
    (packages,) = environment.glob("lib/python3*/site-packages")
    by_name = {_normalised(c["name"]): c for c in document["components"]}
    for metadata in sorted(packages.glob("*.dist-info")):
        component = by_name.get(_normalised(metadata.name.partition("-")[0]))
        if component is not None:
            bundled = list(_bundled(metadata))
            if bundled:
                component["components"] = bundled


def _bundled(metadata: Path) -> Iterator[dict[str, Any]]:
    """Yield a component for each library that the wheel took along."""
    reference = metadata.name.removesuffix(".dist-info")
    for path in sorted(metadata.glob("sboms/*.json")):
        for component in json.loads(path.read_text()).get("components", ()):
            if "pkg:pypi/" not in component.get("purl", ""):
                version = component.get("version", "")
                component["bom-ref"] = f"{reference}/{component['name']}@{version}"
                yield component
    # Each file as well: lists of auditwheel leave out what was built for the wheel.
    for line in (metadata / "RECORD").read_text().splitlines():
        name = line.partition(",")[0].strip('"')
        if ".libs/" in name and ".so" in name:
            data = (metadata.parent / name).read_bytes()
            yield {
                "type": "file",
                "bom-ref": f"{reference}/{name}",
                "name": name,
                "hashes": [
                    {"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}
                ],
            }


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
