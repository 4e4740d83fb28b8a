"""The settings of section ``[sending]``."""

from __future__ import annotations

from coresnap.config.setting import Setting

__all__ = ["SENDING_SETTINGS"]

SENDING_SETTINGS = (
    Setting(
        "sending",
        "store.config",
        "optional path",
        "/usr/local/etc/coroner.cf",
        "File that names the object store and holds the tokens. Where it is not there, "
        "snapshots stay in sending/.",
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
