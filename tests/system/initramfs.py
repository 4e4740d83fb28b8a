"""The first files of a boot: drivers of the disk, and the step to the real root."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from system.host import TroubleError, output_of

__all__ = ["make_initramfs"]

_MODULES = (
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "drivers/block/virtio_blk",
)
"""Of Debian's cloud kernel, in the order in which they need each other."""

_INIT = """\
#!/bin/busybox sh
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t proc proc /proc
for module in {modules}; do
	busybox insmod /modules/$module.ko
done
if busybox grep -q system.trial /proc/cmdline; then
	echo "the accelerator works"
	busybox poweroff -f
fi
tries=0
until busybox mount -o ro -t ext4 /dev/vda /root; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ] || busybox poweroff -f
	busybox sleep 0.1
done
busybox mount --move /dev /root/dev
busybox umount /proc
exec busybox switch_root /root /sbin/init
"""


def make_initramfs(modules: Path, busybox: Path, target: Path) -> None:
    """Write the initramfs ``target``.

    ``modules`` is ``/lib/modules/VERSION`` of the kernel; ``busybox`` a static one.
    With ``system.trial`` on the kernel's command line it only says that it is alive.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in ("bin", "dev", "modules", "proc", "root"):
            (root / name).mkdir()
        shutil.copy(busybox, root / "bin" / "busybox")
        for module in _MODULES:
            shutil.copy(modules / "kernel" / f"{module}.ko", root / "modules")
        names = " ".join(Path(module).name for module in _MODULES)
        (root / "init").write_text(_INIT.format(modules=names))
        (root / "init").chmod(0o755)
        target.write_bytes(gzip.compress(_archive(root), 1))


def _archive(root: Path) -> bytes:
    names = output_of(["find", "."], cwd=root)
    done = subprocess.run(
        ["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"],
        input=names.encode(),
        cwd=root,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise TroubleError(f"cpio failed: {done.stderr.decode(errors='replace')}")
    return done.stdout
