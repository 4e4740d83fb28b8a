"""The settings of coroner.cf."""

from __future__ import annotations

from coresnap.config.setting import Setting

__all__ = ["STORE_SECTIONS", "STORE_SETTINGS"]

STORE_SECTIONS = ("universe", "token", "daemon", "default")
"""The keys of all but the first are names that the file's author gives."""

STORE_SETTINGS = (
    Setting(
        "universe",
        "name",
        "project",
        "default",
        "The universe that all projects are in.",
    ),
    Setting(
        "universe",
        "write",
        "store address",
        "",
        "Where snapshots are sent: http://HOST:PORT or https://HOST:PORT. Without it, "
        "where read is.",
    ),
    Setting(
        "universe",
        "read",
        "store address",
        "",
        "Where questions are asked; HOST:PORT alone is spoken to as read.ssl.enabled "
        "says. Without it, where write is.",
    ),
    Setting(
        "universe",
        "read.ssl.enabled",
        "boolean",
        "yes",
        "Whether read is spoken to with TLS, where it is no URL.",
    ),
    Setting(
        "universe",
        "read.ssl.method",
        "text",
        "",
        "Taken for the sake of files that have it: TLS 1.2 and later are spoken.",
    ),
    Setting(
        "universe",
        "curl.ssl_verifypeer",
        "flag",
        "1",
        "0 lets any server be the store: whoever is in between gets the tokens.",
    ),
    Setting(
        "universe",
        "curl.ssl_verifyhost",
        "flag",
        "1",
        "The same for the name in the server's certificate.",
    ),
    Setting(
        "universe",
        "ssl.ca",
        "optional path",
        "",
        "Certificates that are trusted instead of the system's, PEM.",
    ),
    Setting(
        "universe",
        "ssl.certificate",
        "optional path",
        "",
        "The client's own certificate, PEM, where the store asks for one.",
    ),
    Setting(
        "universe",
        "ssl.key",
        "optional path",
        "",
        "Its key, if that is not in the same file.",
    ),
)
