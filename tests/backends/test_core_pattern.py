"""core_pattern: who owns it, and what we write into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.backends.core_pattern import (
    PATTERN_LIMIT,
    owner_of,
    pattern_for,
    program_of,
)
from coresnap.errors import CaptureError

HANDLER = Path("/usr/local/libexec/coresnap-catch")
SETTINGS = Path("/var/coresnap/catch.conf")


@pytest.mark.parametrize(
    ("pattern", "owner"),
    [
        ("core", "the kernel"),
        ("", "the kernel"),
        ("/var/crash/core.%p", "the kernel"),
        ("|", "the kernel"),
        (f"|{HANDLER} %P", "coresnap"),
        (f"|{HANDLER}", "coresnap"),
        ("|/tmp/coresnap-catch %P", "/tmp/coresnap-catch"),
        ("|/usr/lib/systemd/systemd-coredump %P %u", "systemd-coredump"),
        ("@@/run/systemd/coredumpd/kernel", "systemd-coredump"),
        ("@/run/other.socket", "/run/other.socket"),
        ("@@/run/coresnap/core", "coresnap"),
        ("@/run/coresnap/core", "coresnap"),
        ("@@/run/coresnap/core2", "/run/coresnap/core2"),
        ("|/usr/share/apport/apport -p%p", "apport"),
        ("|/usr/libexec/abrt-hook-ccpp %s", "ABRT"),
        ("|/sbin/minicoredumper %P", "minicoredumper"),
        ("|/opt/mine", "/opt/mine"),
    ],
)
def test_the_owner_of_a_pattern_is_named(pattern: str, owner: str) -> None:
    assert owner_of(pattern, HANDLER, Path("/run/coresnap/core")) == owner


def test_the_usual_paths_need_no_settings_argument() -> None:
    pattern = pattern_for(HANDLER, SETTINGS, default_settings=SETTINGS, pidfd=True)

    assert pattern == f"|{HANDLER} %P %I %s %t %u %g %d %c %F -- %E"
    assert program_of(pattern) == str(HANDLER)


def test_a_kernel_without_pidfd_keeps_the_positions() -> None:
    pattern = pattern_for(
        HANDLER, Path("/x/conf"), default_settings=SETTINGS, pidfd=False
    )

    assert pattern == f"|{HANDLER} -c /x/conf %P %I %s %t %u %g %d %c -- %E"


def test_a_pattern_longer_than_the_kernel_s_limit_is_refused() -> None:
    with pytest.raises(CaptureError, match=str(PATTERN_LIMIT)):
        pattern_for(
            HANDLER, Path("/" + "x" * 60), default_settings=SETTINGS, pidfd=True
        )


@pytest.mark.parametrize("name", ["with space", "100%P"])
def test_a_path_that_the_kernel_would_take_apart_is_refused(name: str) -> None:
    with pytest.raises(CaptureError, match="space or %"):
        pattern_for(
            Path("/opt") / name, SETTINGS, default_settings=SETTINGS, pidfd=True
        )
