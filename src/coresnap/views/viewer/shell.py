"""Commands of the shell, with what they may want to know in the environment."""

from __future__ import annotations

import os
import subprocess
import sys

from coresnap.views.viewer.looked import Looked

__all__ = ["run_shell"]


def run_shell(command: str, looked: Looked, position: str, snapshot: str) -> int:
    """Run a command on the terminal, wait for Enter; return its exit status."""
    environment = dict(os.environ)
    frame = None if looked.frame is None else looked.frame.frame
    told = {
        "FILE": "" if frame is None else frame.file or "",
        "LINE": "" if frame is None else str(frame.line or ""),
        "POSITION": position,
        "SNAPSHOT": snapshot,
    }
    # In the environment, not in the words: what a process chose is never shell.
    environment |= {name: text.replace("\0", "") for name, text in told.items()}
    code = subprocess.run(command, shell=True, env=environment, check=False).returncode
    sys.stdout.write(f"\n[exit status {code}; Enter goes back] ")
    sys.stdout.flush()
    sys.stdin.readline()
    return code
