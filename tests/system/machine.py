"""A virtual machine: qemu, and its monitor (QMP)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import attrs

from system.host import TroubleError, output_of
from system.image import Image

__all__ = ["Machine", "Monitor", "accelerator_of"]

_MEMORY = 2048
_TRIAL_SECONDS = 12


def accelerator_of(image: Image) -> str:
    """Return ``kvm`` if a kernel gets to its first process with it, else ``tcg``.

    That ``/dev/kvm`` is there says little: a host that is a guest itself may offer one
    in which Debian's kernel hangs.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    words = [*_common("kvm", image), "-serial", "stdio", "-append"]
    words += ["console=ttyS0 panic=-1 system.trial"]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "tcg"
    return "kvm" if b"the accelerator works" in done.stdout else "tcg"


def _common(accelerator: str, image: Image) -> list[str]:
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config"]
    words += ["-display", "none", "-machine", "pc", "-smp", "2", "-m", str(_MEMORY)]
    words += ["-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "max"]
    return [*words, "-kernel", str(image.kernel), "-initrd", str(image.initramfs)]


@attrs.define
class Monitor:
    """The connection to qemu's monitor."""

    _socket: socket.socket
    _rest: bytes = b""

    @classmethod
    def connect(cls, path: Path, process: subprocess.Popen[bytes]) -> Monitor:
        """Connect as soon as qemu listens at ``path``."""
        connection = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                connection.connect(str(path))
                break
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.05)
        else:
            raise TroubleError("qemu does not listen for its monitor")
        connection.settimeout(30)
        monitor = cls(connection)
        monitor.ask("qmp_capabilities")
        return monitor

    def ask(self, command: str) -> Any:  # noqa: ANN401 - JSON
        """Let qemu execute a command, and return its answer."""
        self._socket.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while True:
            answer = self._line()
            if "error" in answer:
                raise TroubleError(f"qemu refuses {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def _line(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            data = self._socket.recv(65536)
            if not data:
                raise TroubleError("qemu has ended; the console says why")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


@attrs.define
class Machine:
    """One computer, whose disk and console survive its boots."""

    image: Image
    accelerator: str
    directory: Path
    """Of its disk, console and sockets."""
    payload: Path
    """A second disk, which is read only: an ext4."""
    _process: subprocess.Popen[bytes] | None = None
    monitor: Monitor | None = None

    @property
    def disk(self) -> Path:
        """What it has written, over the image."""
        return self.directory / "disk.qcow2"

    @property
    def console(self) -> Path:
        """What the kernel and systemd said, of all boots."""
        return self.directory / "console.log"

    @property
    def port(self) -> Path:
        """The socket of the guest's virtual serial port."""
        return self.directory / "port"

    def make_disk(self) -> None:
        """Begin with the image as it is."""
        words: list[str | Path] = ["qemu-img", "create", "-q", "-f", "qcow2"]
        words += ["-F", "raw", "-b", self.image.disk.absolute(), self.disk]
        output_of(words)

    def power_on(self) -> None:
        """Start it."""
        monitor = self.directory / "monitor"
        for left in (monitor, self.port):
            left.unlink(missing_ok=True)
        words = _common(self.accelerator, self.image)
        words += ["-append", "root=/dev/vda console=ttyS0 loglevel=5 panic=-1"]
        # What the guest has written outlives its reset in the host's memory. To wait
        # for the host's disk would show nothing more, and take minutes.
        disk = f"file={self.disk},format=qcow2,if=virtio,cache=unsafe"
        words += ["-drive", disk]
        words += ["-drive", f"file={self.payload},format=raw,if=virtio,readonly=on"]
        words += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
        words += ["-chardev", f"socket,id=port,path={self.port},server=on,wait=off"]
        words += ["-device", "virtserialport,chardev=port,name=system"]
        words += ["-qmp", f"unix:{monitor},server=on,wait=off"]
        words += ["-chardev", f"file,id=log,path={self.console},append=on"]
        words += ["-serial", "chardev:log"]
        with (self.directory / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.monitor = Monitor.connect(monitor, self._process)

    def reset(self) -> None:
        """Press the button: it starts anew, and what was not on the disk is gone."""
        assert self.monitor is not None
        self.monitor.ask("system_reset")

    def wait_until_off(self, timeout: float) -> bool:
        """Whether it is off by itself within so many seconds."""
        assert self._process is not None
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._forget()
        return True

    def kill(self) -> None:
        """Pull the plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self.monitor is not None:
            self.monitor.close()
        self._process = self.monitor = None
