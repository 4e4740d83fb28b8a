"""Hands a message to an SMTP server, over a connection that ``Reach`` permits."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from coresnap.errors import DeliveryError
from coresnap.integrations.mail.settings import MailSettings, Security
from coresnap.integrations.reach import Reach
from coresnap.snapshot.escape import printable

__all__ = ["send"]

_MOST_LINES = 200
_MOST_LINE = 8_192


def send(mail: EmailMessage, settings: MailSettings, reach: Reach) -> tuple[str, ...]:
    """Send a message and return the addresses that the server refused, but not all.

    Raises DeliveryError.
    """
    try:
        with _session(settings, reach) as session:
            return tuple(session.send_message(mail, settings.sender, settings.people))
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refused(code, text, "every address") from error
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(error.smtp_code, error.smtp_error, "the login") from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, "the mail") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(
            f"{settings.host} cannot do it: {_shown(str(error))}",
            remedy="Set security= and user= to what the server offers.",
            is_final=True,
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(
            f"the certificate of {settings.host} is not trusted: {error.reason}",
            remedy="Name its authority: ca= in [integrations] of coronerd.conf.",
            is_final=True,
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        reason = _shown(str(error) or type(error).__name__)
        raise DeliveryError(
            f"no answer from {settings.host}: {reason}",
            remedy="Check host=, port= and security=.",
        ) from error


@contextmanager
def _session(settings: MailSettings, reach: Reach) -> Iterator[smtplib.SMTP]:
    session = _Session(settings, reach)
    # A limit for each read alone is none: a byte every ten seconds keeps to it.
    timer = threading.Timer(reach.patience, session.cut)
    timer.daemon = True
    timer.start()
    try:
        session.connect(settings.host, settings.port)
        if settings.security is Security.STARTTLS:
            session.starttls(context=reach.trust)
        if settings.user:
            session.login(settings.user, settings.password)
        yield session
        _leave(session)
    finally:
        timer.cancel()
        session.close()


def _leave(session: smtplib.SMTP) -> None:
    # The mail is the server's from its answer on, however it parts.
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        return


class _Session(smtplib.SMTP):
    def __init__(self, settings: MailSettings, reach: Reach) -> None:
        # Before the base class, which would ask for the machine's full name, and that
        # can take a resolver's whole patience.
        super().__init__(local_hostname=settings.domain, timeout=reach.silence)
        self._settings = settings
        self._reach = reach
        # Certificates are checked against it.
        self._host = settings.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = self._reach.connect(host, port, timeout)
        connection.settimeout(timeout)
        if self._settings.security is not Security.TLS:
            return connection
        try:
            return self._reach.trust.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """Return a reply, as the base class does, but never one without an end."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        lines: list[bytes] = []
        while len(lines) < _MOST_LINES:
            line = self.file.readline(_MOST_LINE + 1)
            if not line.endswith(b"\n") or not line[:3].isdigit():
                self.close()
                raise smtplib.SMTPServerDisconnected("it does not speak SMTP")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
        self.close()
        raise smtplib.SMTPServerDisconnected("a reply has no end")

    def cut(self) -> None:
        """End the connection under whoever waits for it, from another thread."""
        connection = self.sock
        if connection is not None:
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                return


def _refused(code: int, text: bytes | str, what: str) -> DeliveryError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    is_final = 500 <= code < 600
    return DeliveryError(
        f"the mail server refused {what}: {code} {_shown(said)}",
        remedy="Check from=, to=, user= and password=." if is_final else None,
        is_final=is_final,
    )


def _shown(text: str) -> str:
    return printable(text[:300])
