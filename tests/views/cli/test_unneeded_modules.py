from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from coresnap.views.cli.unneeded_modules import load_when_used
load_when_used()
import msgspec, pathlib, types
late = type(msgspec.json)
print(late.__name__, len(msgspec.json.schema_components([int])))
print(type(msgspec.json).__name__)
import ipaddress
print(ipaddress.ip_address("127.0.0.1").is_loopback)
"""


def test_what_is_loaded_late_is_there_when_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["_LazyModule", "2", "module", "True"]
