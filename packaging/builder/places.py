"""Where things are: in this repository, while they are built, and once installed."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "COMMANDS",
    "HANDLER",
    "PACKAGING",
    "PREFIX",
    "REPOSITORY",
    "SITE_PACKAGES",
]

PACKAGING = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGING.parent

PREFIX = Path("usr/lib/coresnap")
"""The environment, below the root of a system."""
SITE_PACKAGES = PREFIX / "lib" / "python3.11" / "site-packages"
HANDLER = Path("usr/libexec/coresnap-catch")
"""What core_pattern starts: below directories that only root can change."""

COMMANDS = {
    "usr/bin/coresnap": ("coresnap.views.cli.process", "run_process"),
    "usr/sbin/coresnapd": ("coresnap.daemon.main", "main"),
    "usr/bin/coroner": ("coresnap.views.cli.process", "run_coroner"),
}
"""A command's file to the module and function of its entry point."""
