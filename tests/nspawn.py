"""This machine's own system, booted again by systemd-nspawn: systemd as process 1.

Its files are a layer over this machine's, which stay as they are. The kernel is the
machine's, and so are its settings: whoever lets crashes come here holds core_pattern's
lock (tests/kernel.py).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from imported import SOURCE

REPOSITORY = Path(__file__).resolve().parents[1]
COMMANDS = {
    "usr/bin/coresnap": ("coresnap.views.cli.process", "run_process"),
    "usr/sbin/coresnapd": ("coresnap.daemon.main", "main"),
    "usr/bin/coroner": ("coresnap.views.cli.process", "run_coroner"),
}
"""As packages install them (packaging/builder/places.py)."""
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""System calls that systemd-nspawn 252 takes from all who run in it."""
_BOOT_SECONDS = 120


def why_no_nspawn() -> str | None:
    """Say why systemd cannot be booted here, or None."""
    if os.geteuid() != 0:
        return "not root"
    if not Path("/lib/systemd/systemd").exists() or not shutil.which("systemd-nspawn"):
        return "not installed: systemd, systemd-container"
    return None


class CannotBootError(Exception):
    """Namespaces or layers of filesystems are not to be had here."""


@attrs.frozen
class Machine:
    """A system that runs."""

    root: Path
    shared: Path
    """A directory that is the same inside and outside."""
    leader: int
    """Pid of its process 1 here."""

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program in it."""
        return subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def output(self, *words: str, timeout: float = 60) -> str:
        """Return what a program prints that ends well."""
        run = self.run(*words, timeout=timeout)
        if run.returncode:
            raise AssertionError(f"{words}: {run.stdout}{run.stderr}")
        return run.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file in it."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)


@contextlib.contextmanager
def booted(files: dict[str, str]) -> Iterator[Machine]:
    """Boot it with commands, units and ``files``, in which ``{shared}`` is filled.

    Raises CannotBootError.
    """
    base = Path(tempfile.mkdtemp(prefix="coresnap-", dir="/var/lib"))
    base.chmod(0o711)  # whom it starts as another user goes through
    shared = base / "s"
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, base)
        root = _layered(base, undo)
        shared.mkdir()
        machine = Machine(root, shared, 0)
        _furnish(machine)
        for path, text in files.items():
            machine.write(path, text.replace("{shared}", str(shared)))
        console = undo.enter_context((base / "console").open("w+"))
        process = undo.enter_context(_nspawn(machine, console.fileno()))
        leader = _wait_for_boot(machine, process, base / "console")
        try:
            yield attrs.evolve(machine, leader=leader)
        finally:
            process.terminate()  # systemd-nspawn powers it off
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def _layered(base: Path, undo: contextlib.ExitStack) -> Path:
    memory, root = base / "m", base / "r"
    for directory in (memory, root):
        directory.mkdir()
    _mount(undo, memory, "-t", "tmpfs", "coresnap-units")
    for name in ("upper", "work"):
        (memory / name).mkdir()
    layers = f"lowerdir=/,upperdir={memory}/upper,workdir={memory}/work"
    _mount(undo, root, "-t", "overlay", "-o", layers, "coresnap-units")
    return root


def _mount(undo: contextlib.ExitStack, target: Path, *words: str) -> None:
    run = subprocess.run(
        ["mount", *words, target], capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise CannotBootError(run.stderr.strip())
    undo.callback(_unmount, target)


def _unmount(target: Path) -> None:
    subprocess.run(["umount", "--lazy", target], check=False)


def _furnish(machine: Machine) -> None:
    # Whoever runs in it may have to run this Python.
    for place in (Path(sys.prefix), Path(sys.base_prefix), REPOSITORY):
        for directory in (place, *place.parents):
            inside = machine.root / str(directory).lstrip("/")
            if inside.is_dir():
                inside.chmod(inside.stat().st_mode | 0o011)
    for path, (module, function) in COMMANDS.items():
        machine.write(
            path,
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
            f"from {module} import {function}\nsys.exit({function}())\n",
        )
        (machine.root / path).chmod(0o755)
    units = REPOSITORY / "packaging" / "systemd"
    for unit in units.glob("*.service"):
        machine.write(f"usr/lib/systemd/system/{unit.name}", unit.read_text())
    for catalog in units.glob("*.catalog"):
        machine.write(f"usr/lib/systemd/catalog/{catalog.name}", catalog.read_text())
    # Nothing of this machine's services, and no timers.
    machine.write(
        "etc/systemd/system/units.target",
        "[Unit]\nRequires=sysinit.target dbus.socket\n",
    )


def _nspawn(machine: Machine, console: int) -> subprocess.Popen[bytes]:
    binds = {str(REPOSITORY), sys.prefix, sys.base_prefix}
    return subprocess.Popen(
        [
            "systemd-nspawn",
            f"--directory={machine.root}",
            "--boot",
            "--register=no",
            "--keep-unit",
            "--console=pipe",
            "--link-journal=no",
            f"--machine=u{os.getpid()}",
            f"--system-call-filter={LANDLOCK}",
            *(f"--bind-ro={path}" for path in sorted(binds)),
            f"--bind={machine.shared}",
            "systemd.unit=units.target",
        ],
        env={
            **os.environ,
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes",
            "SYSTEMD_NSPAWN_TMPFS_TMP": "0",
        },
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        start_new_session=True,
    )


def _wait_for_boot(
    machine: Machine, process: subprocess.Popen[bytes], console: Path
) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for child in children.read_text().split():
            inside = attrs.evolve(machine, leader=int(child))
            said = inside.run("systemctl", "is-system-running").stdout.strip()
            if said in ("running", "degraded"):
                return int(child)
        time.sleep(0.1)
    raise CannotBootError(console.read_text(errors="replace")[-2000:])
