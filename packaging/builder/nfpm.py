"""Packages out of staged trees, by nfpm."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from builder.command import output_of
from builder.linkage import debian_depends, rpm_requires
from builder.places import PACKAGING

__all__ = ["Build", "make_package"]

_ZSH = ("usr/share/zsh/vendor-completions", "usr/share/zsh/site-functions")
"""Where Debian's zsh looks for what packages bring, and everybody else's."""
_DOCUMENTS = ("usr/share/doc/", "usr/share/man/")
_OWNED = (
    "usr/lib/coresnap",
    "etc/coresnap",
    "usr/share/doc/coresnap",
    "usr/share/doc/coroner-server",
)
"""Directories that are packages' own; all others belong to the system."""


@attrs.frozen
class Build:
    """What is the same for all packages of one build."""

    version: str
    """As Python writes it, ``0.2.0rc1``."""
    release: int
    """Counts packages of one version, from 1."""
    epoch: int
    """The time of everything in it, seconds."""
    output: Path


def make_package(kind: str, name: str, root: Path, build: Build) -> Path:
    """Make the package ``name``, a deb or rpm, from the tree ``root``; return it."""
    config = tomllib.loads((PACKAGING / "nfpm" / f"{name}.toml").read_text())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "nfpm.json")
        path.write_text(json.dumps(_completed(config, kind, root, build, path)))
        build.output.mkdir(parents=True, exist_ok=True)
        words = ["nfpm", "package", "--packager", kind, "--config", str(path)]
        said = output_of([*words, "--target", str(build.output)], cwd=PACKAGING)
    return Path(said.strip().rpartition("created package: ")[2])


def _completed(
    config: dict[str, Any], kind: str, root: Path, build: Build, path: Path
) -> dict[str, Any]:
    config["version"] = _version(build.version)
    config["release"] = str(build.release)
    config["arch"] = (
        os.uname().machine.replace("x86_64", "amd64").replace("aarch64", "arm64")
    )
    config["mtime"] = datetime.fromtimestamp(build.epoch, UTC).isoformat()
    config["disable_globbing"] = True
    config["contents"] = list(_contents(root, kind))
    linked = debian_depends(root) if kind == "deb" else rpm_requires(root)
    own = config.pop(f"{kind}_depends", [])
    exact = f"{config['version']}-{build.release}"
    own = [word.replace("${version}", exact) for word in own]
    config["depends"] = [*own, *linked]
    config["scripts"] = _scripts(kind, config["name"], config)
    config["changelog"] = str(_changelog(path.parent, config, exact))
    for other in {"deb", "rpm"} - {kind}:
        config.pop(f"{other}_depends", None)
        config.pop(other, None)
    return config


def _version(version: str) -> str:
    """Return Python's version as one that sorts as in Python: 0.2.0rc1 is 0.2.0~rc1."""
    for mark in ("a", "b", "rc", ".dev"):
        head, found, tail = version.partition(mark)
        if found:
            return f"{head}~{mark.lstrip('.')}{tail}"
    return version


def _scripts(kind: str, name: str, config: dict[str, Any]) -> dict[str, str]:
    """Return the scripts that there are, and put rpm's own into ``config``."""
    found = {}
    for path in sorted((PACKAGING / "scripts" / kind / name).iterdir()):
        if path.name in ("pretrans", "posttrans"):
            config.setdefault("rpm", {}).setdefault("scripts", {})[path.name] = str(
                path
            )
        else:
            found[path.name] = str(path)
    return found


def _changelog(directory: Path, config: dict[str, Any], exact: str) -> Path:
    """Write the packages' own changes, which are few: one says where all others are."""
    path = directory / "changelog.yaml"
    what = f"Package coresnap {config['version']}: changelog.gz says what changed."
    entry = {
        "semver": exact,
        "date": config["mtime"],
        "packager": config["maintainer"],
        "deb": {"urgency": "medium", "distributions": ["stable"]},
        "changes": [{"note": what}],
    }
    path.write_text(json.dumps([entry]))
    return path


def _contents(root: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        if kind == "rpm":
            if place.startswith("usr/share/lintian"):
                continue
            place = place.replace(*_ZSH)
        entry: dict[str, Any] = {"dst": f"/{place}"}
        if path.is_symlink():
            yield entry | {"type": "symlink", "src": os.readlink(path)}
        elif path.is_dir():
            if place.startswith(_OWNED):
                yield entry | {"type": "dir", "file_info": {"mode": 0o755}}
        else:
            entry["file_info"] = {"mode": path.stat().st_mode & 0o7777}
            if place.startswith("etc/"):
                entry["type"] = "config|noreplace"
            elif kind == "rpm" and place.startswith(_DOCUMENTS):
                entry["type"] = "license" if path.name == "copyright" else "doc"
            yield entry | {"src": str(path)}
