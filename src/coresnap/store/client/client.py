"""A client of one project's store: every endpoint is a call."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from coresnap.config.store_config import StoreConfig
from coresnap.errors import NetworkError
from coresnap.store.api.endpoint import Capability, Endpoint
from coresnap.store.client.connection import Connection, Patience
from coresnap.store.client.failures import error_of, is_passing

__all__ = ["Client", "open_client"]

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)

_WRITING = (Capability.POST, Capability.SYMBOLS)
_REPEATED = ("GET", "HEAD", "PUT", "DELETE")
_BREAKS = 8
"""How often one download may break and go on."""
_CHUNK = 1 << 16


class Client:
    """What a token allows in one project, over connections that are kept."""

    def __init__(self, connection: Connection, universe: str, project: str) -> None:
        self.connection = connection
        self.universe = universe
        self.project = project

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()

    def call(
        self,
        endpoint: Endpoint[RequestT, AnswerT],
        body: RequestT | None = None,
        *,
        parameters: dict[str, str | int | bool] | None = None,
        again: bool | None = None,
        **path: str,
    ) -> AnswerT:
        """Send ``body`` to an endpoint with a JSON answer, and return that.

        ``path`` stands for the names in the endpoint's path. What changes nothing, or
        the same twice, is tried again where that may help; ``again`` says so for
        others. Raises what the server raised, and NetworkError.
        """
        answer = self._send(
            endpoint,
            None if body is None else msgspec.json.encode(body),
            parameters,
            path,
            again=again,
        )
        kind: Any = endpoint.answer
        if kind is None:
            return None  # type: ignore[return-value] # the endpoint's answer is none
        try:
            found: AnswerT = msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise NetworkError(
                f"{answer.url.host} does not speak as we do: {error}"
            ) from error
        return found

    def post_bytes(
        self,
        endpoint: Endpoint[msgspec.Struct, AnswerT],
        content: Any,  # noqa: ANN401 - what httpx2 takes, made anew for each try
        size: int,
        *,
        parameters: dict[str, str | int | bool] | None = None,
        **path: str,
    ) -> AnswerT:
        """Send ``size`` bytes, which ``content()`` makes, to an endpoint.

        Only for what is the same when it is sent twice. Raises as ``call`` does.
        """
        answer = self.connection.send(
            endpoint.method,
            self._url(endpoint, path),
            content=content,
            parameters=_texts(parameters),
            headers={
                "content-type": "application/octet-stream",
                "content-length": str(size),
            },
        )
        assert endpoint.answer is not None
        return msgspec.json.decode(answer.content, type=endpoint.answer)

    def download(
        self, endpoint: Endpoint[Any, Any], target: BinaryIO, **path: str
    ) -> int:
        """Write the bytes that an endpoint gives to ``target``; return their number.

        A connection that breaks is continued where it broke. Raises as ``call`` does.
        """
        url, written, breaks = self._url(endpoint, path), 0, 0
        while True:
            try:
                with self.connection.stream(url, written) as answer:
                    for chunk in _chunks(answer, written):
                        target.write(chunk)
                        written += len(chunk)
                return written
            except (httpx2.TransportError, NetworkError) as error:
                breaks += 1
                if breaks > _BREAKS:
                    raise NetworkError(
                        f"the download breaks again and again: {error}"
                    ) from error

    def _send(
        self,
        endpoint: Endpoint[Any, Any],
        body: bytes | None,
        parameters: dict[str, str | int | bool] | None,
        path: dict[str, str],
        *,
        again: bool | None,
    ) -> httpx2.Response:
        if again is None:
            again = endpoint.method in _REPEATED or endpoint.operation in _READING
        return self.connection.send(
            endpoint.method,
            self._url(endpoint, path),
            content=None if body is None else lambda: body,
            parameters=_texts(parameters),
            headers={"content-type": "application/json"} if body is not None else {},
            again=again,
        )

    def _url(self, endpoint: Endpoint[Any, Any], path: dict[str, str]) -> str:
        names = {"universe": self.universe, "project": self.project, **path}
        quoted = {name: quote(value, safe="") for name, value in names.items()}
        return self.connection.address(
            endpoint.path.format(**quoted), writes=endpoint.capability in _WRITING
        )


_READING = ("query", "ask")
"""Operations that are sent with POST for the sake of their body alone."""


def open_client(
    config: StoreConfig,
    project: str,
    token: str,
    *,
    universe: str | None = None,
    patience: Patience | None = None,
    verify: bool = True,
) -> Client:
    """Return a client of ``project``; ``token`` is a name in the configuration, or the
    token itself. Nothing is sent yet. Raises ConfigError.
    """
    connection = Connection(
        config,
        config.token(token) if token else "",
        patience=patience,
        verify=verify,
    )
    return Client(connection, universe or config.universe, project)


def _texts(parameters: dict[str, str | int | bool] | None) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (parameters or {}).items()
    }


def _chunks(answer: httpx2.Response, written: int) -> Iterator[bytes]:
    if answer.status_code >= 400:
        answer.read()
        error = error_of(answer)
        if is_passing(answer.status_code):
            raise NetworkError(str(error), remedy=error.remedy)
        raise error
    if written and answer.status_code != 206:
        raise NetworkError("the server does not go on where the download broke")
    yield from answer.iter_raw(_CHUNK)
