"""Mail as a channel, to a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from coresnap.errors import ConfigError, DeliveryError
from coresnap.integrations.channels import open_channel
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel, Delivered, Event, Notice
from integrations.telling import HOSTILE, OWN, digest, hostile_notice, notice

NAME = "mail.example"


@attrs.define
class Server:
    """An SMTP server in a thread, with what it took and what it refuses."""

    port: int = 0
    taken: list[Envelope] = attrs.field(factory=list)
    encrypted: list[bool] = attrs.field(factory=list)
    refuses: dict[str, str] = attrs.field(factory=dict)
    """A recipient, or "DATA", to the reply that it gets."""

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if "DATA" in self.refuses:
            return self.refuses["DATA"]
        self.taken.append(envelope)
        transport = server.transport
        assert transport is not None
        is_tls = transport.get_extra_info("sslcontext") is not None
        self.encrypted.append(is_tls)
        return "250 OK"

    def mail(self) -> EmailMessage:
        """Return the one mail that was taken."""
        (envelope,) = self.taken
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        return mail


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and data == LoginPassword(
        b"coresnap", b"secret"
    )
    return AuthResult(success=is_right, handled=is_right)


@attrs.define
class Running:
    """The server's thread."""

    server: Server
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


def _start(
    server: Server,
    tls: ssl.SSLContext | None,
    **options: Any,  # noqa: ANN401 - aiosmtpd's
) -> Running:
    started = threading.Event()
    loop = asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(server, hostname=NAME, loop=loop, **options),
            "127.0.0.1",
            0,
            ssl=tls,
        )

    def run() -> None:
        listening = loop.run_until_complete(listen())
        server.port = listening.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    return Running(server, loop, thread)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(context)
    return context


@pytest.fixture
def reach(authority: trustme.CA, tmp_path: Path) -> Reach:
    """Names lead to this machine, and the authority counts."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return attrs.evolve(OWN, authority=file, resolver=lambda h, p: ["127.0.0.1"])


@pytest.fixture
def plain() -> Iterator[Server]:
    running = _start(Server(), None)
    yield running.server
    running.stop()


@pytest.fixture
def secured(certificate: ssl.SSLContext) -> Iterator[Server]:
    """Takes mail after STARTTLS and a login only."""
    running = _start(
        Server(),
        None,
        tls_context=certificate,
        require_starttls=True,
        auth_required=True,
        authenticator=_login,
    )
    yield running.server
    running.stop()


@pytest.fixture
def wrapped(certificate: ssl.SSLContext) -> Iterator[Server]:
    """Speaks TLS from the first byte."""
    running = _start(Server(), certificate)
    yield running.server
    running.stop()


def _channel(server: Server, reach: Reach, **settings: str) -> Channel:
    given = {
        "host": NAME,
        "port": str(server.port),
        "security": "none",
        "from": "crashes@example.com",
        "to": "ada@example.com bob@example.com",
    }
    return open_channel("mail", {**given, **settings}, reach)


def _tell(server: Server, reach: Reach, what: Notice, **settings: str) -> Delivered:
    channel = _channel(server, reach, **settings)
    try:
        return channel.deliver(what, {})
    finally:
        channel.close()


LOGIN = {"security": "starttls", "user": "coresnap", "password": "secret"}


def test_a_mail_says_it_as_text_and_as_html(plain: Server, reach: Reach) -> None:
    told = _tell(plain, reach, notice())
    assert told.line == "sent to ada@example.com, bob@example.com"
    assert plain.taken[0].rcpt_tos == ["ada@example.com", "bob@example.com"]
    mail = plain.mail()
    title = "server: parse_header ← read_request"
    assert mail["subject"] == f"[cf/blackhole] New crash: {title}"
    text, html = _parts(mail)
    for part in (text, html):
        assert "parse_header read 8 bytes at 0x10" in part
        assert notice().url in part
        assert "coroner get cf/blackhole a1b" in part
    assert "1,412 on 9 hosts" in text
    assert "std::vector&lt;int&gt;::at" in html


def test_starttls_and_a_login(secured: Server, reach: Reach) -> None:
    _tell(secured, reach, notice(), **LOGIN)
    assert secured.encrypted == [True]


def test_tls_from_the_first_byte(wrapped: Server, reach: Reach) -> None:
    _tell(wrapped, reach, notice(), security="tls")
    assert wrapped.encrypted == [True]


def test_without_starttls_nothing_is_sent(plain: Server, reach: Reach) -> None:
    with pytest.raises(DeliveryError, match="STARTTLS") as raised:
        _tell(plain, reach, notice(), security="starttls")
    assert raised.value.is_final
    assert plain.taken == []


def test_a_wrong_password_is_final(secured: Server, reach: Reach) -> None:
    with pytest.raises(DeliveryError, match="refused the login: 535") as raised:
        _tell(secured, reach, notice(), **{**LOGIN, "password": "wrong"})
    assert raised.value.is_final
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_another_name_is_not_believed(
    request: pytest.FixtureRequest, reach: Reach, security: str
) -> None:
    fixture = "wrapped" if security == "tls" else "secured"
    server = request.getfixturevalue(fixture)
    with pytest.raises(DeliveryError, match="certificate") as raised:
        _tell(server, reach, notice(), host="other.example", security=security)
    assert raised.value.is_final
    assert server.taken == []


@pytest.mark.parametrize(
    ("reply", "is_final"), [("451 busy", False), ("554 never", True)]
)
def test_the_number_of_a_refusal_says_whether_time_repairs_it(
    plain: Server, reach: Reach, reply: str, is_final: bool
) -> None:
    plain.refuses["DATA"] = reply
    with pytest.raises(DeliveryError, match=reply) as raised:
        _tell(plain, reach, notice())
    assert raised.value.is_final == is_final


def test_one_address_that_is_refused_is_named(plain: Server, reach: Reach) -> None:
    plain.refuses["bob@example.com"] = "550 who?"
    told = _tell(plain, reach, notice())
    assert told.line == "sent to ada@example.com; the server refused bob@example.com"


def test_no_address_that_is_taken_is_a_failure(plain: Server, reach: Reach) -> None:
    for name in ("ada", "bob"):
        plain.refuses[f"{name}@example.com"] = "550 who?"
    with pytest.raises(DeliveryError, match="every address: 550"):
        _tell(plain, reach, notice())


@pytest.mark.parametrize("event", [e for e in Event if e is not Event.UPDATE])
def test_hostile_texts_make_neither_headers_nor_markup(
    plain: Server, reach: Reach, event: Event
) -> None:
    _tell(plain, reach, hostile_notice(event))
    assert plain.taken[0].rcpt_tos == ["ada@example.com", "bob@example.com"]
    mail = plain.mail()
    assert set(mail) == {
        "From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted",
        "X-Coresnap-Event", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert len(mail["subject"]) <= 250
    text, html = _parts(mail)
    assert _Tags.of(html) <= {
        "html", "head", "meta", "title", "body", "h1", "h2", "p", "table", "tr", "th",
        "td", "pre", "a", "code",
    }  # fmt: skip
    for part in (text, html, mail["subject"]):
        assert not any(c in part for c in "\x1b\x00\u202e\u200b\udcff")
    assert len(html) < 60_000


def test_a_digest_is_a_table(plain: Server, reach: Reach) -> None:
    _tell(plain, reach, digest(HOSTILE))
    mail = plain.mail()
    assert mail["subject"] == "[cf/blackhole] Crashes from 2026-09-20 to 2026-09-21"
    text, html = _parts(mail)
    assert html.count("<tr>") == 31
    assert "script" not in _Tags.of(html)
    assert "39,220 faults in 40 groups, 20 of them new; 780 in as long" in text


def test_mails_of_a_group_are_a_thread_and_tries_are_one_mail(
    plain: Server, reach: Reach
) -> None:
    for what in (notice(), notice(), notice(Event.REGRESSION, id="notice-2")):
        _tell(plain, reach, what)
    contents = [e.content for e in plain.taken]
    mails = [
        email.message_from_bytes(c, policy=email.policy.default)
        for c in contents
        if isinstance(c, bytes)
    ]
    assert len({mail["references"] for mail in mails}) == 1
    assert mails[0]["message-id"] == mails[1]["message-id"] != mails[2]["message-id"]


def test_growth_is_no_mail(plain: Server, reach: Reach) -> None:
    assert "not sent" in _tell(plain, reach, notice(Event.UPDATE)).line
    assert plain.taken == []


def test_a_server_inside_is_not_called_unless_it_is_allowed(plain: Server) -> None:
    inside = Reach(resolver=lambda host, port: ["127.0.0.1"])
    with pytest.raises(DeliveryError, match="may not be called"):
        _tell(plain, inside, notice())
    assert plain.taken == []


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"220-more\r\n" * 100_000,
        b"220" + b"x" * 100_000,
        b"",
    ],
)
def test_what_does_not_speak_smtp_is_left(reach: Reach, says: bytes) -> None:
    with (
        _saying(says) as port,
        pytest.raises(DeliveryError, match="no answer from") as raised,
    ):
        _tell(Server(port), reach, notice())
    assert not raised.value.is_final


def test_a_server_that_never_gets_to_the_end_is_left(reach: Reach) -> None:
    hasty = attrs.evolve(reach, patience=0.3)
    with (
        _saying(b"220-" + b"x" * 1_000, pause=0.05) as port,
        pytest.raises(DeliveryError, match="no answer from"),
    ):
        _tell(Server(port), hasty, notice())


def test_a_preview_sends_nothing(plain: Server, reach: Reach) -> None:
    channel = _channel(plain, reach, **LOGIN)
    preview = channel.preview(notice(), {})
    channel.close()
    assert "Subject: [cf/blackhole] New crash" in preview
    assert "secret" not in preview
    assert plain.taken == []


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "mail.example\r\nQUIT"},
        {"from": "a@example.com\r\nBcc: evil@example.com"},
        {"from": "nobody"},
        {"to": "a@example.com,<b@example.com>"},
        {"to": " ".join(f"p{n}@example.com" for n in range(51))},
        {"to": ""},
        {"port": "0"},
        {"port": "smtp"},
        {"security": "ssl"},
        {"user": "coresnap"},
        {"user": "coresnap", "password": "secret", "security": "none"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        _channel(Server(25), OWN, **settings)
    assert raised.value.remedy


def _parts(mail: EmailMessage) -> tuple[str, str]:
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


class _Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    @classmethod
    def of(cls, html: str) -> set[str]:
        tags = cls()
        tags.feed(html)
        return tags.names

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)


class _saying:
    """A server that says something to its first client, a byte at a time if it
    pauses."""

    def __init__(self, says: bytes, pause: float = 0.0) -> None:
        self._says = says
        self._pause = pause
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            try:
                if not self._pause:
                    connection.sendall(self._says)
                    return
                for byte in self._says:
                    connection.sendall(bytes([byte]))
                    if self._ended.wait(self._pause):
                        return
            except OSError:
                return
