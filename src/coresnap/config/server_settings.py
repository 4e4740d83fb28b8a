"""``SERVER_SETTINGS``: the whole surface of coronerd.conf. The documentation is checked
against it."""

from __future__ import annotations

from coresnap.config.setting import Setting

__all__ = ["SERVER_SECTIONS", "SERVER_SETTINGS"]


def _setting(section: str, name: str, kind: str, default: str, meaning: str) -> Setting:
    prefix = "" if section == "server" else f"{section}_"
    field = prefix + name.replace(".", "_")
    return Setting(section, name, kind, default, meaning, field=field)


SERVER_SETTINGS = (
    _setting(
        "server",
        "data",
        "path",
        "/var/coroner",
        "Directory of everything that is not said to be elsewhere.",
    ),
    _setting(
        "server",
        "listen",
        "words",
        "",
        "Addresses, separated by spaces: http://ADDRESS:PORT, https://ADDRESS:PORT. "
        "Default: https on ports 6098 and 4097 with a certificate, else "
        "http://127.0.0.1:6097.",
    ),
    _setting(
        "server",
        "tls.certificate",
        "optional path",
        "",
        "PEM file with the certificate and its chain.",
    ),
    _setting(
        "server",
        "tls.key",
        "optional path",
        "",
        "PEM file with its key; default: it stands with the certificate.",
    ),
    _setting(
        "server",
        "url",
        "store address",
        "",
        "Where people reach it, for links in what is told: https://HOST.",
    ),
    _setting("server", "universe", "project", "default", "Universe that is made."),
    _setting(
        "server",
        "projects",
        "words",
        "",
        "Projects that are made in it if they are not there.",
    ),
    _setting(
        "server",
        "metrics.listen",
        "optional address",
        "",
        "Where metrics are served for Prometheus: ADDRESS:PORT, as 127.0.0.1:6099; who "
        "reaches it sees all projects' names. Default: nowhere.",
    ),
    _setting(
        "server",
        "threads",
        "count",
        "8",
        "Requests of each of two kinds, sending and "
        "asking, that are worked on at once.",
    ),
    _setting(
        "server", "session.lifetime", "duration", "12h", "How long a login lasts."
    ),
    _setting(
        "store",
        "database",
        "text",
        "",
        "URL of the state: postgresql://… for several servers; default: SQLite in the "
        "directory.",
    ),
    _setting(
        "store",
        "objects",
        "text",
        "",
        "Path or s3://… URL of the snapshots; default: in the directory.",
    ),
    _setting(
        "store",
        "index",
        "text",
        "",
        "URL of the index: clickhouse://…; default: DuckDB in the directory.",
    ),
    _setting("limit", "snapshot", "size", "64MiB", "Largest snapshot that is taken."),
    _setting("limit", "symbols", "size", "2GiB", "Largest symbol file that is taken."),
    _setting("limit", "request", "size", "1MiB", "Largest body of other requests."),
    _setting(
        "limit",
        "requests",
        "count",
        "256",
        "Requests that are worked on or wait; further ones are asked to come again.",
    ),
    _setting(
        "limit", "connections", "count", "2000", "Connections to one address at once."
    ),
    _setting("limit", "time", "duration", "60s", "After this a request is given up."),
    _setting(
        "limit",
        "rate",
        "rate",
        "2000/1s",
        "Requests that one token may make in a time.",
    ),
    _setting("audit", "age", "age", "180d", "How long the audit log is kept."),
    _setting(
        "upload",
        "age",
        "duration",
        "24h",
        "How long an upload in pieces may rest before it is forgotten.",
    ),
    _setting(
        "upload",
        "quota",
        "size",
        "4GiB",
        "What unfinished uploads of one project may take together.",
    ),
    _setting(
        "retention",
        "compress.age",
        "age",
        "none",
        "Snapshots that were received longer ago are compressed slowly, where neither "
        "project nor universe has a policy; so the next three.",
    ),
    _setting(
        "retention",
        "drop.age",
        "age",
        "none",
        "Snapshots that were received longer ago are removed; their attributes stay.",
    ),
    _setting(
        "retention",
        "forget.age",
        "age",
        "none",
        "Faults that were received longer ago are forgotten.",
    ),
    _setting(
        "retention",
        "quota",
        "size or none",
        "none",
        "What the snapshots of one project may take; more are refused.",
    ),
    _setting(
        "retention",
        "disk.free",
        "size or none",
        "256MiB",
        "Below this the oldest snapshots of every project are removed; below half of "
        "it nothing more is taken.",
    ),
    _setting(
        "integrations",
        "allow",
        "networks",
        "",
        "Networks and addresses, separated by spaces, that integrations may call "
        "beside the public ones.",
    ),
    _setting(
        "integrations",
        "ca",
        "optional path",
        "",
        "PEM file of certificates that integrations trust besides the system's.",
    ),
    _setting(
        "openid",
        "issuer",
        "text",
        "",
        "Address of an OpenID Connect provider that people log in with: https://…; "
        "default: none.",
    ),
    _setting("openid", "client", "text", "", "What the provider calls this server."),
    _setting("openid", "secret", "text", "", "What proves to it that we are it."),
    _setting(
        "openid",
        "claim",
        "text",
        "preferred_username",
        "Claim that holds the name of a user here; people must not be able to choose "
        "its value themselves.",
    ),
    _setting(
        "validation",
        "children",
        "count",
        "2",
        "Processes that read what is sent; as many as there are processors.",
    ),
    _setting(
        "validation",
        "memory",
        "size",
        "1GiB",
        "Memory that reading a snapshot may take.",
    ),
    _setting(
        "validation",
        "time",
        "duration",
        "20s",
        "Time that reading a snapshot may take.",
    ),
)

SERVER_SECTIONS = tuple(dict.fromkeys(s.section for s in SERVER_SETTINGS))
