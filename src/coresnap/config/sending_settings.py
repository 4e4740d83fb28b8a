"""The settings of section ``[sending]``."""

from __future__ import annotations

from coresnap.config.places import STORE_SEARCH_PATH
from coresnap.config.setting import Setting

__all__ = ["SENDING_SETTINGS"]

SENDING_SETTINGS = (
    Setting(
        "sending",
        "store.config",
        "paths",
        ":".join(map(str, STORE_SEARCH_PATH)),
        "Files that may name the object store and hold the tokens, separated by "
        "colons; the first that exists counts. Where none does, snapshots stay in "
        "sending/.",
    ),
    Setting(
        "sending",
        "send.bandwidth",
        "size or none",
        "none",
        "Bytes per second that are sent at most, on average.",
    ),
    Setting(
        "sending",
        "send.retry.first",
        "duration",
        "1s",
        "How long after a failure the next try comes; each further one waits up to "
        "twice as long.",
    ),
    Setting(
        "sending",
        "send.retry.most",
        "duration",
        "15m",
        "How long a try waits at most.",
    ),
    Setting(
        "sending",
        "scrub",
        "scrubbers",
        "key, token, ccn, ssn, env, url",
        "What is taken out of a snapshot before it is sent.",
        per_application=True,
    ),
    Setting(
        "sending",
        "scrub.N",
        "expression",
        "",
        "A name, and a regular expression of what else is taken out.",
        field="scrub_expressions",
    ),
)
