"""Runs commands in the guest: one line of JSON each way, over a virtual serial port.

A request has ``id``, ``words``, ``timeout``, and ``user`` (a number; null for root).
The answer has ``id``, ``pid``, ``status`` (as of wait(2); null: killed at its time
limit), ``out``, ``err``, and ``start`` and ``end`` in nanoseconds UTC. The first line
of all has ``boot``, the id of this boot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from io import FileIO
from typing import IO, Any

MOST = 8 << 20


def main() -> None:
    """Serve the port that the command line names, for ever."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    with FileIO(sys.argv[1], "r+") as port:
        say(port, {"boot": boot})
        rest = b""
        while True:
            data = port.read(65536)
            if not data:  # nobody is at the other end
                time.sleep(0.05)
                continue
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                say(port, {"id": request["id"], **answer(request)})


def say(port: FileIO, what: dict[str, Any]) -> None:
    """Write a line; the port takes it in pieces."""
    data = json.dumps(what).encode() + b"\n"
    while data:
        data = data[port.write(data) or 0 :]


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run what is asked for, and return how it ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.time_ns()
        try:
            process = subprocess.Popen(
                request["words"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                user=request["user"],
                group=request["user"],
                start_new_session=True,
            )
        except OSError as error:
            failed = {"pid": 0, "status": 127 << 8, "out": "", "err": str(error)}
            return {**failed, "start": start, "end": start}
        status = wait(process, request["timeout"])
        said = {"out": text(out), "err": text(err)}
        times = {"start": start, "end": time.time_ns()}
        return {"pid": process.pid, "status": status, **said, **times}


def wait(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    """Wait for the end; Popen would not tell whether there was a core."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid:
            process.returncode = status
            return status
        time.sleep(0.01)
    os.killpg(process.pid, 9)
    process.wait()
    return None


def text(file: IO[bytes]) -> str:
    """Return what is in a file, as far as a line may have it."""
    file.seek(0)
    return file.read(MOST).decode(errors="replace")


if __name__ == "__main__":
    main()
