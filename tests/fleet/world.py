"""A world of its own for one run: what happens in it ends with its first process.

The command runs itself again by unshare(1), as the first process of new PID, network
and mount namespaces, with a fresh tmpfs over ``/run``. Namespaces, links, processes and
files of a run are all inside, so that nothing is left of them however it ends: by
itself, after a failure, by Ctrl-C, or killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["DIRECTORY", "enter", "why_not"]

DIRECTORY = Path("/run/fleet")
"""Where a run has its files."""
_INSIDE = "CORESNAP_FLEET_INSIDE"
_WORDS = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def why_not() -> str:
    """Say what is missing on this machine; nothing if it can be done here."""
    if sys.platform != "linux":
        return "a fleet takes Linux's network namespaces"
    if os.geteuid() != 0:
        return "a fleet takes root, for its network namespaces"
    for program in ("ip", "tc", "unshare", "mount", "openssl", "cc"):
        if shutil.which(program) is None:
            return f"a fleet takes the program {program}"
    tried = subprocess.run(["unshare", *_WORDS, "true"], capture_output=True)
    if tried.returncode:
        return f"no namespaces here: {tried.stderr.decode().strip()}"
    return ""


def enter(program: Path) -> None:
    """Return in a world of its own; ``program`` is run again in it if need be."""
    if os.environ.get(_INSIDE) != "yes":
        environment = {**os.environ, _INSIDE: "yes"}
        words = ["unshare", *_WORDS, sys.executable, str(program), *sys.argv[1:]]
        os.execvpe("unshare", words, environment)
    del os.environ[_INSIDE]
    # PID 1 is not killed by a signal that nobody waits for (pid_namespaces(7)).
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    subprocess.run(["mount", "-t", "tmpfs", "fleet", "/run"], check=True)
    DIRECTORY.mkdir()
