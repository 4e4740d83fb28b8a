"""One store as a client sees it: addresses, TLS, a token, and patience."""

from __future__ import annotations

import email.utils
import random
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import attrs
import httpx2

from coresnap.config.store_config import StoreConfig
from coresnap.errors import (
    AccessError,
    ConfigError,
    CoresnapError,
    NetworkError,
)
from coresnap.store.client.failures import error_of, is_passing

__all__ = ["Connection", "Patience"]

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 120.0
"""A query, or the reading of a large snapshot, may take so long without a byte."""
_LONGEST_PAUSE = 60.0


@attrs.frozen
class Patience:
    """How often and how long something that may pass is tried again."""

    tries: int = 4
    first: float = 0.5
    """Seconds before the second try, at most; each further one waits up to twice as
    long."""
    silence: float = _SILENCE_SECONDS
    """Seconds without a byte after which a try has failed."""

    def pause(self, number: int, asked: float | None) -> float:
        """Return the seconds to wait after the ``number``th try, from 1.

        ``asked`` is what the server wants. The rest is chance, so that a fleet does
        not come back all at once.
        """
        most = min(self.first * 2 ** (number - 1), _LONGEST_PAUSE)
        wait = random.uniform(most / 2, most)
        return wait if asked is None else min(max(wait, asked), _LONGEST_PAUSE)


class Connection:
    """Sends requests to a store; connections are kept and used again."""

    def __init__(
        self,
        config: StoreConfig,
        token: str,
        *,
        patience: Patience | None = None,
        verify: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``verify`` False trusts any server, as does the configuration.

        Raises ConfigError if certificates cannot be used.
        """
        self._patience = patience or Patience()
        self._sleep = sleep
        self._config = config
        self._http = httpx2.Client(
            headers={"authorization": f"Bearer {token}"} if token else {},
            verify=_trust(config, verify=verify),
            timeout=httpx2.Timeout(self._patience.silence, connect=_CONNECT_SECONDS),
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is kept open."""
        self._http.close()

    def address(self, path: str, *, writes: bool) -> str:
        """Return the URL of a path of the API."""
        return (self._config.write if writes else self._config.read) + path

    def send(
        self,
        method: str,
        url: str,
        *,
        content: Callable[[], Any] | None = None,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        again: bool = True,
    ) -> httpx2.Response:
        """Send a request and return the answer, whole, with a status below 400.

        ``content`` makes the body, once for each try. ``again``: it may be sent twice,
        so it is, where that may help. Raises what the server raised, and NetworkError
        if it cannot be reached.
        """
        number = 1
        failure: CoresnapError
        asked: float | None
        while True:
            try:
                answer = self._http.request(
                    method,
                    url,
                    content=None if content is None else content(),
                    params=parameters or {},
                    headers=headers or {},
                )
            except httpx2.TransportError as error:
                failure, asked = _unreachable(url, error), None
            else:
                if answer.status_code < 400:
                    return answer
                failure, asked = error_of(answer), _retry_after(answer)
                failure.retry_after = asked
                if not is_passing(answer.status_code):
                    raise failure
            if not again or number >= self._patience.tries:
                raise failure
            self._sleep(self._patience.pause(number, asked))
            number += 1

    def stream(self, url: str, start: int) -> Any:  # noqa: ANN401 - httpx2's context
        """Begin to receive a body from its byte ``start`` on; not tried again."""
        headers = {"range": f"bytes={start}-"} if start else {}
        return self._http.stream("GET", url, headers=headers)


def _trust(config: StoreConfig, *, verify: bool) -> ssl.SSLContext | bool:
    if not (verify and config.verify):
        return False
    try:
        context = ssl.create_default_context(cafile=config.authority)
        if config.certificate is not None:
            context.load_cert_chain(config.certificate, config.key)
    except FileNotFoundError as error:
        names = f"{config.authority}, {config.certificate}, {config.key}"
        raise ConfigError(f"one of these is not there: {names}") from error
    except PermissionError as error:
        raise AccessError("the client's certificates may not be read") from error
    except ssl.SSLError as error:
        raise ConfigError(f"the certificates cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _unreachable(url: str, error: httpx2.TransportError) -> NetworkError:
    where = "/".join(url.split("/")[:3])
    reason = str(error) or type(error).__name__
    remedy = "Is `coroner serve` running there, and is the address in coroner.cf right?"
    if "not yet valid" in reason or "has expired" in reason:
        remedy = "Set this machine's clock, or renew the server's certificate."
    elif "CERTIFICATE" in reason.upper():
        remedy = "Name the certificate that signed the server's: ssl.ca in coroner.cf."
    return NetworkError(f"cannot reach the store at {where}: {reason}", remedy=remedy)


def _retry_after(answer: httpx2.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, section 10.2.3)."""
    text = answer.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, moment.timestamp() - time.time())
