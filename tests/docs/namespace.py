"""A place in which pages may do as they like: of the machine's files, nothing changes.

A process of its own gets namespaces of mounts, of the network and of names. Its root is
the machine's, below an overlay that takes what is written; of the network it has the
loopback interface, and of names those of ``HOSTS``, which all are this machine.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

__all__ = ["HOSTS", "enter"]

_NEW_MOUNTS, _NEW_NAMES, _NEW_NETWORK = 0x00020000, 0x04000000, 0x40000000
"""CLONE_NEWNS, CLONE_NEWUTS and CLONE_NEWNET of linux/sched.h."""
HOSTS = ("localhost", "faults.example.com", "faults.example", "web-1")


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _mounted() -> list[str]:
    """What is mounted below the root, without what lies in another one of these."""
    points: list[str] = []
    for line in sorted(Path("/proc/self/mountinfo").read_text().splitlines()):
        point = line.split()[4]
        if point != "/" and "\\" not in point:
            points.append(point)
    points.sort()
    return [
        point
        for point in points
        if not any(point.startswith(f"{other}/") for other in points)
    ]


def enter(upper: Path, lower: Path | None) -> None:
    """Become a process whose root is the machine's with ``lower`` over it.

    What is written goes to ``upper/upper``. Both have to be on a filesystem that is not
    the root's: an overlay may not lie in what it covers.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_MOUNTS | _NEW_NAMES | _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    points = [point for point in _mounted() if Path(point).is_dir()]
    for name in ("upper", "work", "root"):
        (upper / name).mkdir(parents=True, exist_ok=True)
    lowers = "/" if lower is None else f"{lower}/upper:/"
    root = upper / "root"
    _run("mount", "--make-rprivate", "/")
    options = f"lowerdir={lowers},upperdir={upper}/upper,workdir={upper}/work"
    _run("mount", "-t", "overlay", "overlay", "-o", options, root)
    for point in points:
        target = root / point.removeprefix("/")
        target.mkdir(parents=True, exist_ok=True)
        _run("mount", "--rbind", point, target)
    # What a page does to the kernel would hold for the whole machine.
    _run("mount", "--bind", root / "proc/sys", root / "proc/sys")
    _run("mount", "-o", "remount,ro,bind", root / "proc/sys")
    os.chroot(root)
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    _run("ip", "link", "set", "lo", "up")
    _run("hostname", "web-1")
    Path("/etc/hosts").write_text(f"127.0.0.1 {' '.join(HOSTS)}\n")
    for name in ("lock", "coresnap"):
        Path("/run", name).mkdir(exist_ok=True)
