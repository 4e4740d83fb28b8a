"""HTTP over the connections that a ``Reach`` permits.

The check stands where a connection is made, below TLS: names, certificates and kept
connections are the library's as ever, and there is no second reading of an address
that could differ from the first.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import httpcore2
import httpx2

from coresnap.integrations.reach import Reach

__all__ = ["outgoing_client"]

_AGENT = "coresnap (integrations)"
_KEPT = 4


def outgoing_client(reach: Reach) -> httpx2.Client:
    """Return a client whose connections are those of ``reach``, for one thread."""
    return httpx2.Client(
        transport=_Transport(reach),
        timeout=httpx2.Timeout(reach.silence),
        headers={"user-agent": _AGENT},
        follow_redirects=False,
        # Neither proxies nor passwords of .netrc: they are about other programs.
        trust_env=False,
    )


@attrs.define
class _Clock:
    """The end of the call that is made now."""

    patience: float
    end: float = 0.0

    def start(self) -> None:
        self.end = time.monotonic() + self.patience

    def left(self, timeout: float | None) -> float:
        """Return the seconds that an operation may take; none are left: 0."""
        left = max(0.0, self.end - time.monotonic())
        return left if timeout is None else min(left, timeout)


class _Transport(httpx2.BaseTransport):
    def __init__(self, reach: Reach) -> None:
        self._clock = _Clock(reach.patience)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=reach.trust,
            max_connections=_KEPT,
            max_keepalive_connections=_KEPT,
            keepalive_expiry=reach.silence,
            network_backend=_Network(reach, self._clock),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._clock.start()
        url = request.url
        with _as_httpx():
            answer = self._pool.handle_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=url.raw_scheme,
                        host=url.raw_host,
                        port=url.port,
                        target=url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore2.NetworkBackend):
    def __init__(self, reach: Reach, clock: _Clock) -> None:
        self._reach = reach
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            connection = self._reach.connect(host, port, self._clock.left(timeout))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Stream(connection, self._clock)


class _Stream(httpcore2.NetworkStream):
    """A connection of which every operation ends when the call has to end.

    A limit for each read alone is none: a byte every ten seconds keeps to it for ever.
    """

    def __init__(self, connection: socket.socket, clock: _Clock) -> None:
        self._connection = connection
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._limit(timeout, httpcore2.ReadTimeout)
        try:
            return self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        while view:
            self._limit(timeout, httpcore2.WriteTimeout)
            try:
                view = view[self._connection.send(view) :]
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore2.WriteError(str(error)) from error

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            self._limit(timeout, httpcore2.ConnectTimeout)
            wrapped = ssl_context.wrap_socket(
                self._connection, server_hostname=server_hostname
            )
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout(str(error)) from error
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore2.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return _Stream(wrapped, self._clock)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's contract
        if info == "ssl_object":
            is_tls = isinstance(self._connection, ssl.SSLSocket)
            return self._connection if is_tls else None
        if info == "is_readable":
            return _is_readable(self._connection)
        return None

    def _limit(self, timeout: float | None, error: type[Exception]) -> None:
        left = self._clock.left(timeout)
        if left <= 0:
            raise error("timed out")
        self._connection.settimeout(left)


def _is_readable(connection: socket.socket) -> bool:
    """Say whether a kept connection was closed, or spoken on, by the other side."""
    import select

    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise the library's errors as those of the same name that callers know."""
    try:
        yield
    except (httpcore2.TimeoutException, httpcore2.NetworkError) as error:
        raise getattr(httpx2, type(error).__name__)(str(error)) from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        name = type(error).__name__
        raise getattr(httpx2, name, httpx2.TransportError)(str(error)) from error
