"""Nobody there to take what the handler leaves: the daemon is down for an hour."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from catcher import Catcher
from conftest import Tally
from pipelines import assert_all_processed_once

pytestmark = [pytest.mark.compiler, pytest.mark.root]

HOUR = 3600
CRASHES = 60


def test_an_hour_of_crashes_without_a_daemon_is_caught_up_with(
    catcher: Catcher, child: subprocess.Popen[bytes], tmp_path: Path, tally: Tally
) -> None:
    """One a minute, by the kernel's clock, which is set back in the middle."""
    catcher.write_settings(socket=str(tmp_path / "nobody"), admission="")
    start = int(time.time()) - HOUR
    cores = []
    for number in range(CRASHES):
        moment = start + number * HOUR // CRASHES
        if number > CRASHES // 2:
            moment -= 365 * 24 * HOUR
        numbers = [child.pid, child.pid, 11, moment, 0, 0, 1, 0]
        cores.append(b"core %d" % number)
        subprocess.run(
            [catcher.program, "-c", catcher.settings_file, *map(str, numbers)],
            input=cores[-1],
            check=True,
        )
    root = tmp_path / "root"
    root.mkdir()
    catcher.spool.rename(root / "archive")
    for part in ("sending", "incoming"):
        (root / "archive" / part).mkdir(mode=0o700, exist_ok=True)
    found = {
        path.name: path.read_bytes() for path in (root / "archive/pending").iterdir()
    }
    assert sorted(found.values()) == sorted(cores)
    assert_all_processed_once(root, found)
    tally("the daemon is down for an hour, a clock set back", whole=len(found))
