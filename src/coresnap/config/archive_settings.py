"""The settings of section ``[archive]``: what is kept, where, how it gets there."""

from __future__ import annotations

from coresnap.config.environment import ALLOWED_VARIABLES
from coresnap.config.setting import Setting

__all__ = ["ARCHIVE_SETTINGS"]

ARCHIVE_SETTINGS = (
    Setting(
        "archive",
        "root",
        "path",
        "/var/coresnap",
        "Directory of everything that is kept: the spool in archive/, the journal, "
        "the handler's settings and what install replaced.",
    ),
    Setting(
        "archive",
        "handler",
        "path",
        "/usr/local/libexec/coresnap-catch",
        "Where install puts the program that the kernel starts. Only root may be able "
        "to write there, or somewhere above it.",
    ),
    Setting(
        "archive",
        "door",
        "auto|pipe|socket",
        "auto",
        "How the kernel hands over a crash: it starts the handler (pipe), it connects "
        "to the daemon (socket, Linux 6.16), or the best that the kernel can do.",
    ),
    Setting(
        "archive",
        "door.socket",
        "socket",
        "/run/coresnap/core",
        "Stream socket that the kernel connects to.",
    ),
    Setting(
        "archive",
        "keep",
        "full|stacks|notes|record|nothing",
        "full",
        "How much of a crash is kept at most: the whole core; stacks, memory that "
        "registers and pointers lead to, and writable data; registers and other notes; "
        "a record without a core; or nothing but a count.",
        per_application=True,
    ),
    Setting(
        "archive",
        "dump.quota",
        "percentage",
        "10%",
        "Less is kept while less than this part of the filesystem's blocks or inodes "
        "is free.",
    ),
    Setting(
        "archive",
        "limit.logical",
        "size or none",
        "none",
        "Apparent size of a core above which only its stacks are kept.",
        per_application=True,
    ),
    Setting(
        "archive",
        "limit.physical",
        "size or none",
        "32GiB",
        "Stored size of a core above which only its stacks are kept.",
        per_application=True,
    ),
    Setting(
        "archive",
        "important.first",
        "size or none",
        "64MiB",
        "Resident size from which a process's stacks and what belongs to them are "
        "fetched before everything else.",
    ),
    Setting(
        "archive",
        "parked.budget",
        "time limit",
        "2m",
        "How long a crashed process may be held. What was not fetched by then is "
        "absent from its core.",
        per_application=True,
    ),
    Setting(
        "archive",
        "storm.rate",
        "rate",
        "10/10m",
        "Crashes of one executable that are archived: so many at once, and as many "
        "again within that time. The first of its kind is always archived.",
        per_application=True,
    ),
    Setting(
        "archive",
        "storm.rate.global",
        "rate",
        "60/10m",
        "The same for crashes of all executables together.",
    ),
    Setting(
        "archive",
        "storm.kinds",
        "rate",
        "100/1d",
        "New kinds of crash of one executable that storm.rate lets pass.",
        per_application=True,
    ),
    Setting(
        "archive",
        "storm.remember",
        "duration",
        "1d",
        "How long a kind that was archived as new is not new again.",
    ),
    Setting(
        "archive",
        "modules.keep",
        "no|container|all",
        "container",
        "Whose executable and libraries are kept beside the core: nobody's, those of "
        "processes in a container (whose files vanish with it), or everybody's.",
        per_application=True,
    ),
    Setting(
        "archive",
        "compress",
        "no|zstd",
        "no",
        "Whether a core that is kept after its analysis is compressed. Parts of it "
        "can still be read one by one.",
    ),
    Setting(
        "archive",
        "environ.allow",
        "names",
        ", ".join(ALLOWED_VARIABLES),
        "Environment variables that are kept; a * at the end stands for any rest.",
        per_application=True,
    ),
    Setting(
        "archive",
        "attributes.environ",
        "names",
        "BACKTRACE_DEFAULTS, CORESNAP_ATTRIBUTES",
        "Environment variables with attributes, a line of key=value each, that a "
        "program gives its own crashes. They are kept too.",
    ),
    Setting(
        "archive",
        "format.N",
        "route",
        "",
        "Which project a crash belongs to: a name, then a specifier and a regular "
        "expression, or several, or none for all crashes. The lowest number that "
        "matches counts.",
        field="routes",
    ),
    Setting(
        "archive",
        "defaults.command",
        "optional path",
        "/etc/coresnap/defaults",
        "Program that prints attributes of a crash, a line of key=value each. It is "
        "run without privileges, with the executable's name as its argument. The "
        "default need not exist.",
    ),
    Setting(
        "archive",
        "fetch",
        "auto|pipe|memory",
        "auto",
        "How memory is fetched: through the kernel's pipe, from /proc/PID/mem (much "
        "faster on sparse processes), or whichever fits.",
    ),
    Setting(
        "archive",
        "drain",
        "boolean",
        "no",
        "Read the kernel's pipe to its end even after memory was fetched the fast way. "
        "No kernel is known to need it; the process waits as long.",
    ),
)
