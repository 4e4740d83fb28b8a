"""The settings of sections ``[daemon]`` and ``[analysis]``."""

from __future__ import annotations

from coresnap.config.setting import Setting

__all__ = ["ANALYSIS_SETTINGS", "DAEMON_SETTINGS"]

DAEMON_SETTINGS = (
    Setting(
        "daemon",
        "user",
        "name",
        "coresnap",
        "User and group that own the archive and run daemon and worker.",
    ),
    Setting(
        "daemon",
        "socket",
        "socket",
        "/run/coresnap/notify",
        "Datagram socket on which the handler tells the daemon of a new archive.",
    ),
    Setting(
        "daemon",
        "purge.disabled",
        "boolean",
        "false",
        "Keep everything for ever, cores included.",
    ),
    Setting(
        "daemon",
        "purge.core",
        "snapshot|never",
        "snapshot",
        "When a core may go: once its snapshot is safe on disk, or never. A core that "
        "failed a check is kept until its age.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.age",
        "optional age",
        "",
        "Default of the three ages below.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.pending.age",
        "age",
        "30d",
        "Age at which a core that could not be analysed, or that outlived its "
        "analysis, is removed.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.sending.age",
        "age",
        "90d",
        "Age at which a snapshot is removed, with what was kept beside it.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.assets.age",
        "age",
        "90d",
        "Age at which the files that were kept beside a core are removed, and the "
        "record of a crash that has no core.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.sent.age",
        "age",
        "7d",
        "Age at which a snapshot that the store has acknowledged is removed, with what "
        "was kept beside it.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "purge.size",
        "size, percentage or none",
        "none",
        "Disk space of the whole archive above which the most repeated crashes go, the "
        "oldest of them first; a percentage is one of the filesystem.",
    ),
    Setting(
        "daemon",
        "keep.first",
        "number",
        "0",
        "How many crashes with one fingerprint are kept from the first on; what lies "
        "between these and keep.last goes. 0 for both keeps all.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "keep.last",
        "number",
        "0",
        "How many of the newest crashes with one fingerprint are kept.",
        per_application=True,
    ),
    Setting(
        "daemon",
        "worker.memory",
        "size",
        "4GiB",
        "Memory that the analysis of one core may take, not counting the mapped core.",
    ),
    Setting(
        "daemon",
        "worker.cpu",
        "duration",
        "5m",
        "Processor time that the analysis of one core may take.",
    ),
    Setting(
        "daemon",
        "worker.time",
        "duration",
        "10m",
        "Time by the clock that the analysis of one core may take.",
    ),
    Setting(
        "daemon",
        "worker.attempts",
        "count",
        "2",
        "How often a core is tried whose worker died or ran into a limit.",
    ),
    Setting(
        "daemon",
        "metrics.listen",
        "optional address",
        "",
        "Where metrics are served for Prometheus: ADDRESS:PORT, as 127.0.0.1:9838. "
        "Default: nowhere.",
    ),
)

ANALYSIS_SETTINGS = (
    Setting(
        "analysis",
        "sysroot",
        "optional path",
        "",
        "Directory put before every path that a core records.",
    ),
    Setting(
        "analysis",
        "debug.directories",
        "paths",
        "",
        "Directories with separate debug files, separated by colons, searched before "
        "the system's.",
    ),
    Setting(
        "analysis",
        "cache",
        "boolean",
        "yes",
        "Whether debug information of root's files that had to be decompressed is "
        "kept, in cache below root, for the next core of the same program.",
        field="debug_cache",
    ),
    Setting(
        "analysis",
        "cache.size",
        "size",
        "1GiB",
        "Disk space that it may take; what was used longest ago goes first.",
        field="debug_cache_size",
    ),
    Setting(
        "analysis",
        "fingerprint.rules",
        "paths",
        "",
        "Files with rules of one's own for fingerprints, and directories of such files "
        "named *.conf, separated by colons.",
    ),
)
