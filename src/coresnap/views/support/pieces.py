"""All that a support bundle holds, in its order."""

from __future__ import annotations

from coresnap.views.support import host, ours, settings
from coresnap.views.support.piece import Piece

__all__ = ["PIECES"]

PIECES = (
    Piece(
        "coresnap.conf",
        "settings as they are understood, without comments and secrets",
        settings.settings_text,
    ),
    Piece(
        "coroner.cf",
        "where snapshots go; that there are tokens, and none of them",
        settings.store_settings_text,
    ),
    Piece("status.json", "what coresnap status --json prints", ours.status_text),
    Piece("doctor.json", "what coresnap doctor finds", ours.doctor_text),
    Piece("history.txt", "the journal's last 2000 events", ours.history_text),
    Piece(
        "spool.txt",
        "files of the spool by name, size and time; none is opened",
        ours.spool_text,
    ),
    Piece("log.txt", "what coresnapd, coroner and the handler logged", host.log_text),
    Piece("units.txt", "states of systemd's units", host.units_text),
    Piece(
        "kernel.txt",
        "kernel, its settings for cores, limits, mounts, os-release",
        host.kernel_text,
    ),
    Piece(
        "packages.txt",
        "versions of Python, its packages and the system's",
        host.packages_text,
    ),
)
