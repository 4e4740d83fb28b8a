"""The log as systemd's journal keeps it: a sentence, and facts as fields.

Each message is one datagram in the journal's native protocol
(https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), so a fact is found by its field whatever
the sentence says: ``journalctl CORESNAP_ID=…``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from coresnap.daemon.printable import printable
from coresnap.model.message_id import MessageId

__all__ = ["Journald", "fields_of", "is_stderr"]

SOCKET = Path("/run/systemd/journal/socket")
VALUE_LIMIT = 64 * 1024
"""Characters of a field; what is longer ends with an ellipsis."""
_PRIORITIES = {"error": 3, "warning": 4, "info": 6}
_TROUBLE = frozenset(
    {
        MessageId.CRASH_NOT_ARCHIVED,
        MessageId.ANALYSIS_BROKE,
        MessageId.ANALYSIS_GIVEN_UP,
        MessageId.ANALYSIS_WAITS_FOR_ROOM,
    }
)
"""What is said as information, and still for somebody to look at."""
_NAME_LIMIT = 64  # src/libsystemd/sd-journal/journal-file.c, journal_field_valid


def is_stderr() -> bool:
    """Say whether standard error is the journal's, as systemd.exec(5) has it tested."""
    device, colon, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    if not (colon and device.isdigit() and inode.isdigit()):
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return (status.st_dev, status.st_ino) == (int(device), int(inode))


def fields_of(level: str, message: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a message: a line of printable characters each.

    ``message_id`` of ``facts`` is what kind it is; the others are named CORESNAP_….
    """
    fields = {"MESSAGE": _bounded(message)}
    priority = _PRIORITIES[level]
    kind = facts.get("message_id")
    if kind is not None:
        fields["MESSAGE_ID"] = str(kind)
        priority = min(priority, 4) if kind in _TROUBLE else priority
    fields["PRIORITY"] = str(priority)
    for name, value in facts.items():
        if name != "message_id" and value is not None:
            fields[_field(name)] = _bounded(_text(value))
    return fields


def _field(name: str) -> str:
    return ("CORESNAP_" + re.sub("[^A-Z0-9]", "_", name.upper()))[:_NAME_LIMIT]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return " ".join(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=str)
    return str(value)


def _bounded(text: str) -> str:
    if len(text) > VALUE_LIMIT:
        text = text[: VALUE_LIMIT - 1] + "…"
    return printable(text)


@attrs.frozen
class Journald:
    """Sends messages to the journal in the name of ``identifier``."""

    identifier: str
    path: Path = SOCKET

    def info(self, fields: Mapping[str, str]) -> None:
        """Send a message; one that the journal does not take goes to standard error."""
        from logging_journald import JournaldTransport

        pairs = [("SYSLOG_IDENTIFIER", self.identifier), *fields.items()]
        try:
            # A socket for each: whoever was forked meanwhile may have closed ours, and
            # given its number to another file.
            transport = JournaldTransport(self.path, connected=False)
            with transport.socket:
                transport.send(pairs)
        except OSError:
            print(f"<{fields['PRIORITY']}>{fields['MESSAGE']}", file=sys.stderr)

    warning = info
    error = info
