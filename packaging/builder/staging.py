"""Trees of files as packages put them on a system, one for each package."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from builder import configuration
from builder.command import run
from builder.completions import write_completions
from builder.environment import (
    add_requirements,
    compile_modules,
    link_interpreter,
    make_environment,
)
from builder.licences import copyright_text
from builder.linkage import objects_below
from builder.manpages import write_manual
from builder.places import HANDLER, PACKAGING, REPOSITORY, SITE_PACKAGES
from builder.wheel import version_of

__all__ = ["stage"]

_UNITS = Path("usr/lib/systemd/system")
_OF_THE_SERVER = ("coroner",)
"""What names of units and the like begin with that belong to coroner-server."""


def stage(wheel: Path, directory: Path, epoch: int) -> dict[str, Path]:
    """Make the trees of all packages in ``directory``; return them by package.

    Every file has the time ``epoch`` (seconds), and modes that need no umask.
    """
    version = version_of(wheel)
    client, server = directory / "coresnap", directory / "coroner-server"
    make_environment(client, wheel)
    _strip(client)
    compile_modules(client)
    _stage_server_modules(client, server)
    _stage_files(client, server)
    link_interpreter(client)
    write_manual(client, server, version, epoch)
    write_completions(client)
    trees = {"coresnap": client, "coroner-server": server}
    for name, root in trees.items():
        _document(name, root, version)
        _settle(root, epoch)
    return trees


def _strip(root: Path) -> None:
    """Strip what we compiled; coresnap-crash is to be read with its lines."""
    ours = objects_below(root / SITE_PACKAGES / "coresnap")
    for path in [*ours, root / HANDLER]:
        if path.name != "coresnap-crash":
            run(["strip", "--strip-unneeded", path])


def _stage_server_modules(client: Path, server: Path) -> None:
    """Put into ``server`` what its requirements add to the environment."""
    before = set(client.rglob("*"))
    add_requirements(client, "requirements-server.txt")
    for path in sorted(set(client.rglob("*")) - before):
        if not path.is_dir():
            target = server / path.relative_to(client)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    for path in sorted(set(client.rglob("*")) - before, reverse=True):
        path.rmdir()
    compile_modules(server)


def _stage_files(client: Path, server: Path) -> None:
    for unit in (PACKAGING / "systemd").glob("*.*"):
        if unit.suffix in (".service", ".socket", ".target", ".timer", ".path"):
            owner = server if unit.name.startswith(_OF_THE_SERVER) else client
            _copy(unit, owner / _UNITS / unit.name)
    for catalog in (PACKAGING / "systemd").glob("*.catalog"):
        _copy(catalog, client / "usr/lib/systemd/catalog" / catalog.name)
    for kind in ("sysusers", "tmpfiles"):
        for file in (PACKAGING / kind).glob("*.conf"):
            owner = server if file.name.startswith(_OF_THE_SERVER) else client
            _copy(file, owner / f"usr/lib/{kind}.d" / file.name)
    _write(client / "etc/coresnap/coresnap.conf", configuration.coresnap_conf())
    _write(client / "etc/coresnap/coroner.cf", configuration.coroner_cf(), mode=0o600)
    _write(server / "etc/coresnap/coronerd.conf", configuration.coronerd_conf())


def _document(name: str, root: Path, version: str) -> None:
    _copy(PACKAGING / "lintian" / name, root / "usr/share/lintian/overrides" / name)
    documents = root / "usr/share/doc" / name
    _write(documents / "copyright", copyright_text(name, version, root))
    changes = (REPOSITORY / "CHANGELOG.md").read_bytes()
    (documents / "changelog.gz").write_bytes(gzip.compress(changes, mtime=0))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(target: Path, text: str, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)


def _settle(root: Path, epoch: int) -> None:
    for path in sorted(root.rglob("*")):
        if not path.is_symlink():
            path.chmod(_mode(path))
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _mode(path: Path) -> int:
    mode = path.stat().st_mode
    if path.is_dir() or (mode & 0o100 and ".so" not in path.suffixes):
        return 0o755
    return 0o600 if not mode & 0o004 else 0o644
