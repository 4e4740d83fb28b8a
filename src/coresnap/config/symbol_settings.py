"""The settings of section ``[symbols]``."""

from __future__ import annotations

from coresnap.config.setting import Setting

__all__ = ["SYMBOL_SETTINGS"]

SYMBOL_SETTINGS = (
    Setting(
        "symbols",
        "directories",
        "paths",
        "",
        "Directories, separated by colons, in which executables, libraries and debug "
        "files are found by build-id, in whatever layout.",
        field="symbol_directories",
    ),
    Setting(
        "symbols",
        "debuginfod.urls",
        "urls",
        "",
        "Servers that are asked for what is missing, separated by spaces; none are "
        "asked by default. They learn the build-ids of what crashes here.",
    ),
    Setting(
        "symbols",
        "debuginfod.cache",
        "optional path",
        "",
        "Directory that keeps what was fetched; by default the daemon's is debuginfod "
        "below root, and a command's that of elfutils.",
    ),
    Setting(
        "symbols",
        "debuginfod.timeout",
        "duration",
        "90s",
        "Time in which a server has to send 100 KiB.",
    ),
    Setting(
        "symbols",
        "debuginfod.time",
        "duration",
        "5m",
        "Time for all that one core needs; it counts for worker.time too.",
    ),
    Setting(
        "symbols",
        "debuginfod.size",
        "size",
        "2GiB",
        "Size of one file above which it is not fetched.",
    ),
)
