"""What is set of a mail channel, checked once when it is opened."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

import attrs

from coresnap.errors import ConfigError

__all__ = ["MailSettings", "Security", "read_settings"]

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,255}")
_MOST_PEOPLE = 50


class Security(enum.StrEnum):
    """How a connection is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@attrs.frozen
class MailSettings:
    """A server, who sends and who is told."""

    host: str
    port: int
    security: Security
    user: str
    """Empty: no login."""
    password: str = attrs.field(repr=False)
    sender: str
    people: tuple[str, ...]

    @property
    def domain(self) -> str:
        """Of the sender; ids of messages are made in it."""
        return self.sender.rpartition("@")[2].lower()


def read_settings(given: Mapping[str, str]) -> MailSettings:
    """Return complete settings. Raises ConfigError that says which one is wrong."""
    security = _security(given["security"])
    if not _HOST.fullmatch(given["host"]):
        raise ConfigError("host: this is no name of a server", remedy="Give host=.")
    if bool(given["user"]) != bool(given["password"]):
        raise ConfigError(
            "user and password go together", remedy="Give both of them, or none."
        )
    if given["user"] and security is Security.NONE:
        raise ConfigError(
            "security: a password is not sent without encryption",
            remedy="Set security=starttls or security=tls, or leave out user=.",
        )
    people = tuple(dict.fromkeys(given["to"].replace(",", " ").split()))
    if len(people) > _MOST_PEOPLE:
        raise ConfigError(
            f"to: more than {_MOST_PEOPLE} addresses", remedy="Use a mailing list."
        )
    return MailSettings(
        host=given["host"],
        port=_port(given["port"], security),
        security=security,
        user=given["user"],
        password=given["password"],
        sender=_address("from", given["from"]),
        people=tuple(_address("to", text) for text in people),
    )


def _security(text: str) -> Security:
    try:
        return Security(text)
    except ValueError:
        choices = ", ".join(Security)
        raise ConfigError(
            f"security: {text[:40]} is not one of {choices}",
            remedy=f"Choose of {choices}.",
        ) from None


def _port(text: str, security: Security) -> int:
    if not text:
        return _PORTS[security]
    if not text.isdecimal() or not 0 < int(text[:6]) < 65_536:
        raise ConfigError(
            f"port: {text[:20]} is no port", remedy="Give a number from 1 to 65535."
        )
    return int(text)


def _address(name: str, text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ConfigError(
            f"{name}: {text[:80]} is no address", remedy="Give it like ops@example.com."
        )
    return text
