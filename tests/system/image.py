"""The image: a Debian 12 of Debian's own packages, ready to boot, and nothing of ours.

It is made once for a set of packages and kept; each run writes into a copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

import attrs

from system.host import TroubleError, output_of
from system.initramfs import make_initramfs

__all__ = ["Image", "make_image"]

_SUITE = "bookworm"
_PACKAGES = (
    "dbus",
    "e2fsprogs",
    "iproute2",
    "kmod",
    "libstdc++6",
    "procps",
    "python3",
    "systemd",
    "systemd-container",
    "systemd-sysv",
    "udev",
)
"""What a Debian has anyhow, and the containers."""
_MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "serial-getty@ttyS0.service",
)
"""Units whose work would only cost time, in emulation much of it."""
_SIZE = "3G"
_GUEST = Path(__file__).parent / "guest"
_MAKERS = (Path(__file__), Path(__file__).with_name("initramfs.py"))


@attrs.frozen
class Image:
    """What a machine boots."""

    kernel: Path
    initramfs: Path
    disk: Path
    """The root filesystem, ext4 without partitions; to be read only."""
    release: str
    """Of the kernel, as ``uname -r`` says."""
    debian: str
    """The version of Debian, 12.11."""


def make_image(directory: Path, needed: Iterable[str]) -> Image:
    """Return the image with the Debian packages ``needed``, made if it is not there."""
    packages = sorted({*_PACKAGES, *needed})
    files = [*_MAKERS, *sorted(_GUEST.glob("*.*"))]
    parts = [*packages, *(path.read_text() for path in files)]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    target = directory / key
    if not target.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".making-") as name:
            made = Path(name, "image")
            made.mkdir()
            _make(Path(name), made, packages)
            made.rename(target)
    (kernel,) = target.glob("vmlinuz-*")
    release = kernel.name.removeprefix("vmlinuz-")
    debian = (target / "debian").read_text().strip()
    return Image(kernel, target / "initramfs", target / "disk", release, debian)


def _make(work: Path, made: Path, packages: list[str]) -> None:
    tree = work / "tree"
    words = ["mmdebstrap", "--quiet", "--variant=minbase"]
    output_of([*words, f"--include={','.join(packages)}", _SUITE, tree])
    modules = _add_kernel(work, made, tree)
    busybox = _unpack(work, "busybox-static") / "bin" / "busybox"
    make_initramfs(modules, busybox, made / "initramfs")
    _set_up(tree)
    shutil.copy(tree / "etc" / "debian_version", made / "debian")
    disk = made / "disk"
    output_of(["truncate", "-s", _SIZE, disk])
    output_of(["mkfs.ext4", "-q", "-m", "1", "-L", "system", "-d", tree, disk])
    shutil.rmtree(tree)


def _add_kernel(work: Path, made: Path, tree: Path) -> Path:
    """Put the kernel beside the image and its modules into it; return these."""
    said = output_of(["apt-cache", "depends", "linux-image-cloud-amd64"])
    names = [w for w in said.split() if w.startswith("linux-image-6")]
    if not names:
        raise TroubleError("apt knows no linux-image-cloud-amd64; run apt-get update")
    kernel = _unpack(work, names[0])
    (vmlinuz,) = (kernel / "boot").glob("vmlinuz-*")
    shutil.copy(vmlinuz, made)
    release = vmlinuz.name.removeprefix("vmlinuz-")
    # Of the directories there is a link already: /lib is in /usr.
    target = tree / "usr" / "lib" / "modules" / release
    shutil.copytree(kernel / "lib" / "modules" / release, target)
    output_of(["chroot", tree, "depmod", release])
    return target


def _unpack(work: Path, package: str) -> Path:
    """Fetch a Debian package and unpack it; return where."""
    directory = work / package
    directory.mkdir()
    # apt gives up its rights for a fetch, and then cannot write here.
    words = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package]
    output_of(words, cwd=directory)
    (deb,) = directory.glob("*.deb")
    output_of(["dpkg-deb", "-x", deb, directory])
    return directory


def _set_up(tree: Path) -> None:
    """Write what an installer would ask for, and the agent that runs our commands."""
    etc = tree / "etc"
    (etc / "hostname").write_text("broadwell\n")
    (etc / "hosts").write_text("127.0.0.1 localhost broadwell\n")
    (etc / "fstab").write_text("LABEL=system / ext4 errors=remount-ro 0 1\n")
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    # Emulation on a busy host is slower than any machine that systemd was tuned for.
    manager = etc / "systemd" / "system.conf.d"
    manager.mkdir(exist_ok=True)
    (manager / "slow.conf").write_text("[Manager]\nDefaultTimeoutStartSec=15min\n")
    # So is dpkg, which would wait for the disk after each file.
    (etc / "dpkg" / "dpkg.cfg.d" / "fast").write_text("force-unsafe-io\n")
    # Journals survive a reboot, as on most servers.
    (tree / "var" / "log" / "journal").mkdir(parents=True, exist_ok=True)
    library = tree / "usr" / "local" / "lib" / "system"
    library.mkdir(parents=True)
    shutil.copy(_GUEST / "agent.py", library)
    units = etc / "systemd" / "system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    shutil.copy(_GUEST / "system-agent.service", units)
    os.symlink(units / "system-agent.service", wanted / "system-agent.service")
    for name in _MASKED:
        os.symlink("/dev/null", units / name)
