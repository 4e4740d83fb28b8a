"""The peers: Debian's own handlers, unpacked but not installed.

Installed they would set core_pattern. They need the system's libsystemd-shared and
libelf, libjson-c and libthread_db.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "empty_systemd",
    "minicoredumper",
    "script",
    "systemd_coredump",
    "systemd_service",
]

_SYSTEMD_SOCKET = Path("/run/systemd/coredump")


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def unpack(package: str, program: str, directory: Path) -> Path | None:
    """Download a Debian package; return ``program`` in it, None without a network."""
    target = directory / package
    target.mkdir(exist_ok=True)
    subprocess.run(["apt-get", "download", package], cwd=target, capture_output=True)
    for archive in target.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)
    if not (target / program).exists():
        print(f"{package}: cannot be downloaded; left out", file=sys.stderr)
        return None
    return target / program


def minicoredumper(directory: Path) -> str | None:
    """Return its core_pattern; its recept is Debian's, its cores go to ``mini``."""
    program = unpack("minicoredumper", "usr/sbin/minicoredumper", directory)
    if program is None:
        return None
    recept = program.parents[2] / "etc/minicoredumper/generic.recept.json"
    cores = directory / "mini"
    cores.mkdir(exist_ok=True)
    settings = directory / "m.json"
    settings.write_text(
        json.dumps({"base_dir": str(cores), "watch": [{"recept": str(recept)}]})
    )
    return f"|{program} %P %u %g %s %t %h %E {settings}"


def systemd_coredump(directory: Path) -> Path | None:
    """Return the program that is both halves of it."""
    return unpack("systemd-coredump", "lib/systemd/systemd-coredump", directory)


@contextmanager
def systemd_service(program: Path | None) -> Iterator[None]:
    """Stand in for systemd's socket unit: accept, hand over as fd 3, once per core."""
    if program is None:
        yield
        return
    _SYSTEMD_SOCKET.parent.mkdir(parents=True, exist_ok=True)
    _SYSTEMD_SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(_SYSTEMD_SOCKET))
        listener.listen(16)
        server = threading.Thread(target=serve, args=(listener, program), daemon=True)
        server.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()
            _SYSTEMD_SOCKET.unlink()


def serve(listener: socket.socket, program: Path) -> None:
    """Run the service half for each connection until the listener is shut down."""
    activate = 'exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"'
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            subprocess.run(
                ["sh", "-c", activate, str(program)],
                stdin=connection.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )


def empty_systemd() -> None:
    for path in Path("/var/lib/systemd/coredump").glob("core.*"):
        path.unlink()
