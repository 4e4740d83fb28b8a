"""One bounded download over HTTP: no more bytes, and no slower, than is allowed.

The server is not trusted: what it says about sizes is only used to refuse, and it may
be too slow, redirect, or compress what unpacks to more than fits. Proxies are those of
the environment (``http_proxy``, ``https_proxy``, ``no_proxy``).
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator

import msgspec

__all__ = ["DownloadError", "Limits", "NotThereError", "download"]

_PIECE = 1 << 16
_WINDOW_BYTES = 100 << 10
"""What has to come within ``Limits.timeout``, as for debuginfod's own client."""
_CONNECT_SECONDS = 10.0
"""A server that is not reached by then is behind something that drops packets."""


class _Connection(http.client.HTTPConnection):
    """Has less patience for a server's first sign of life than for its files."""

    def connect(self) -> None:
        patience, self.timeout = self.timeout, _first(self.timeout)
        super().connect()
        self.sock.settimeout(patience)


class _SecureConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        patience, self.timeout = self.timeout, _first(self.timeout)
        super().connect()
        self.sock.settimeout(patience)


def _first(patience: float | None) -> float:
    return _CONNECT_SECONDS if patience is None else min(patience, _CONNECT_SECONDS)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req)


_HANDLERS = (
    urllib.request.ProxyHandler,
    _HttpHandler,
    _HttpsHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
)
"""No ``file:`` and no ``ftp:``, wherever a redirect may lead."""
_NOT_FOUND, _NOT_ACCEPTABLE = 404, 406


class DownloadError(Exception):
    """There is no file; the message is a ``Search.result``."""

    def __init__(self, result: str, *, is_down: bool = False) -> None:
        super().__init__(result)
        self.is_down = is_down
        """The server does not answer: others need not be asked for."""


class NotThereError(DownloadError):
    """The server says that it does not have the file."""


class Limits(msgspec.Struct, frozen=True):
    """What one download may take."""

    size: int
    """Bytes, unpacked."""
    timeout: float
    """Seconds without a byte, or with less than 100 KiB, after which it is given up."""
    deadline: float
    """When it is given up anyway, by ``time.monotonic``."""


def download(url: str, write: Callable[[bytes], object], limits: Limits) -> None:
    """Fetch ``url`` piece by piece.

    Raises ``DownloadError``, and what ``write`` raises.
    """
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    request = urllib.request.Request(
        url,
        headers={
            "User-Agent": "coresnap",
            "Accept-Encoding": "gzip",
            "X-DEBUGINFOD-MAXSIZE": str(limits.size),
        },
    )
    try:
        with opener.open(request, timeout=limits.timeout) as response:
            _check_size(response, limits.size)
            _copy(response, write, limits)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, limits) from error
    except TimeoutError as error:
        raise _too_slow(limits) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            text = f"cannot be reached within {_first(limits.timeout):g} seconds"
            raise DownloadError(text, is_down=True) from error
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise DownloadError(f"cannot be reached: {reason}", is_down=True) from error
    except (http.client.HTTPException, ValueError, zlib.error) as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise DownloadError(f"answers with nonsense: {reason}") from error
    except ConnectionError as error:
        reason = error.strerror or str(error)
        raise DownloadError(f"breaks off: {reason}", is_down=True) from error


def _refusal(code: int, limits: Limits) -> DownloadError:
    if code == _NOT_FOUND:
        return NotThereError("not there (404)")
    if code == _NOT_ACCEPTABLE:
        return DownloadError(f"larger than the limit of {limits.size} bytes")
    return DownloadError(f"refused ({code})", is_down=code >= 500)


def _too_slow(limits: Limits) -> DownloadError:
    if time.monotonic() >= limits.deadline:
        return DownloadError("given up: the time for all downloads is over")
    return DownloadError(f"timed out after {limits.timeout:g} seconds", is_down=True)


def _check_size(response: http.client.HTTPResponse, limit: int) -> None:
    for header in ("Content-Length", "X-DEBUGINFOD-SIZE"):
        said = response.headers.get(header, "")
        if said.isdecimal() and int(said[:20]) > limit:
            raise DownloadError(f"larger than the limit of {limit} bytes")


def _copy(
    response: http.client.HTTPResponse,
    write: Callable[[bytes], object],
    limits: Limits,
) -> None:
    total = 0
    packed = response.headers.get("Content-Encoding", "") == "gzip"
    pieces = _pieces(response, limits)
    for piece in _unpacked(pieces) if packed else pieces:
        total += len(piece)
        if total > limits.size:
            raise DownloadError(f"larger than the limit of {limits.size} bytes")
        write(piece)
    left = getattr(response, "length", None)
    if left:
        raise DownloadError(f"breaks off: {left} bytes are missing")


def _pieces(response: http.client.HTTPResponse, limits: Limits) -> Iterator[bytes]:
    started, came = time.monotonic(), 0
    while piece := response.read1(_PIECE):
        yield piece
        now, came = time.monotonic(), came + len(piece)
        if now >= limits.deadline:
            raise _too_slow(limits)
        if now - started >= limits.timeout:
            if came < _WINDOW_BYTES:
                raise _too_slow(limits)
            started, came = now, 0


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        rest = piece
        while rest and not unpack.eof:
            yield unpack.decompress(rest, _PIECE)
            rest = unpack.unconsumed_tail
    yield unpack.flush()
    if not unpack.eof:
        raise DownloadError("breaks off: it is compressed, and has no end")
