"""The way of one request: who asks, for what, with which body; then its handler."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import attrs
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from coresnap.errors import (
    CoresnapError,
    DeniedError,
    MissingError,
)
from coresnap.model.message_id import MessageId
from coresnap.store.access.holder import Holder
from coresnap.store.api.endpoint import Capability, Endpoint
from coresnap.store.project import Project
from coresnap.store.server.answers import Reply, json_reply
from coresnap.store.server.auditing import is_audited, subject_of, write_audit
from coresnap.store.server.authority import authorise, identity_of
from coresnap.store.server.call import Answer, Call, Content, Handler
from coresnap.store.server.requests import (
    body_chunks,
    decoded,
    parameters_of,
    read_body,
    secret_of,
)
from coresnap.store.server.server import Server
from coresnap.store.server.staging import StagingFile
from coresnap.store.server.statuses import Refusal, failure_of, status_of
from coresnap.store.server.transfer import Transfer
from coresnap.store.server.working import admit, in_thread, unexpected

__all__ = ["Dispatch"]

T = TypeVar("T")

_FLUSHED = 256 * 1024
"""Bytes of a body that are held in memory before they go to its file."""
_JSON = {"content-type": "application/json"}


@attrs.frozen
class Dispatch:
    """Serves one endpoint: an ASGI application."""

    server: Server
    endpoint: Endpoint[Any, Any]
    handler: Handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever it is."""
        request = Request(scope, receive)
        counters, began = self.server.counters, time.perf_counter()
        counters.active += 1
        try:
            status = await self._answer(request, send)
        finally:
            counters.active -= 1
        counters.count(status)
        seconds = time.perf_counter() - began
        self.server.instruments.note(self.endpoint.operation, seconds, status)

    async def _answer(self, request: Request, send: Send) -> int:
        try:
            admit(self.server)
            answer = await self._perform(request)
        except Refusal as refusal:
            self._count_refusal(refusal.error)
            answer = _refused(refusal)
        except CoresnapError as error:
            self._count_refusal(error)
            answer = _refused(status_of(error))
            if answer.status >= 500:
                self.server.log.error(
                    f"{self.endpoint.operation}: {error}",
                    message_id=MessageId.REQUEST_FAILED,
                    operation=self.endpoint.operation,
                    remedy=error.remedy,
                )
        except Exception as error:
            self._count_refusal(error)
            told = unexpected(self.server, self.endpoint.operation, error)
            answer = Reply(500, failure_of(told), _JSON)
        if isinstance(answer, Transfer):
            return await answer.send(send, self._run)
        await answer.send(send, is_head=request.method == "HEAD")
        return answer.status

    def _count_refusal(self, error: Exception) -> None:
        self.server.instruments.refuse(self.endpoint.operation, error)

    async def _perform(self, request: Request) -> Reply | Transfer:
        holder = await self._holder(request)
        project = await self._project(request, holder)
        call = Call(
            store=self.server.store,
            identity=identity_of(holder, project),
            project=project,
            path=request.path_params,
            parameters={},
            body=None,
            address=_address(request),
        )
        try:
            authorise(self.endpoint, call.identity)
        except DeniedError:
            if is_audited(self.endpoint):
                await self._run(lambda: self._audit(call, 403))
            raise
        parameters = self._parameters(request)
        return await self._with_body(request, attrs.evolve(call, parameters=parameters))

    # --- who ------------------------------------------------------------------

    async def _holder(self, request: Request) -> Holder | None:
        doorkeeper = self.server.doorkeeper
        if self.endpoint.capability is None:
            return None
        secret = self._secret(request)
        holder = doorkeeper.remembered(secret)
        if holder is None:
            address = _address(request)
            holder = await self._run(lambda: doorkeeper.recognise(secret, address))
        doorkeeper.count(holder, secret)
        return holder

    def _secret(self, request: Request) -> str:
        return secret_of(request)

    async def _project(self, request: Request, holder: Holder | None) -> Project | None:
        """Return the path's project; what is not the holder's is not there."""
        path, doorkeeper = request.path_params, self.server.doorkeeper
        if holder is None or "universe" not in path:
            return None
        universe = path["universe"]
        if "project" not in path:
            if universe != holder.universe:
                raise MissingError(f"there is no universe {universe!r}")
            return None
        name = path["project"]
        project = doorkeeper.remembered_project(universe, name)
        if project is not None:
            return doorkeeper.shown_to(holder, project)
        return await self._run(lambda: doorkeeper.project_of(holder, universe, name))

    def _parameters(self, request: Request) -> Mapping[str, str | int | bool]:
        return parameters_of(self.endpoint, request)

    # --- what -----------------------------------------------------------------

    async def _with_body(self, request: Request, call: Call) -> Reply | Transfer:
        if self.endpoint.takes_bytes:
            file = await self._staged(request)
            return await self._run(lambda: self._handle_bytes(request, call, file))
        body = await read_body(request, self.server.config.limit_request)
        return await self._run(lambda: self._handle(request, call, body))

    async def _staged(self, request: Request) -> StagingFile:
        """Return what is sent; the last part of it only waits to be written."""
        config = self.server.config
        is_symbols = self.endpoint.capability is Capability.SYMBOLS
        limit = config.limit_symbols if is_symbols else config.limit_snapshot
        file = StagingFile(self.server.staging)
        try:
            async for chunk in body_chunks(request, limit):
                file.add(chunk)
                if len(file.pending) >= _FLUSHED:
                    await self._run(file.flush)
        except BaseException:
            file.close()
            raise
        self.server.instruments.received.inc(file.size + len(file.pending))
        return file

    def _handle_bytes(
        self, request: Request, call: Call, file: StagingFile
    ) -> Reply | Transfer:
        try:
            call = attrs.evolve(call, body=file.staged())
            return self._reply(request, call)
        finally:
            file.close()

    def _handle(self, request: Request, call: Call, body: bytes) -> Reply | Transfer:
        if self.endpoint.request is not None:
            call = attrs.evolve(call, body=decoded(self.endpoint, body))
        return self._reply(request, call)

    def _reply(self, request: Request, call: Call) -> Reply | Transfer:
        if not is_audited(self.endpoint):
            return _encoded(self.handler(call), request)
        status = 500
        try:
            reply = _encoded(self.handler(call), request)
            status = 200
        except CoresnapError as error:
            status = status_of(error).status
            raise
        finally:
            self._audit(call, status)
        return reply

    async def _run(self, work: Callable[[], T]) -> T:
        return await in_thread(self.server, self._threads, work)

    @property
    def _threads(self) -> ThreadPoolExecutor:
        is_sent = self.endpoint.capability in (Capability.POST, Capability.SYMBOLS)
        return self.server.putting if is_sent else self.server.answering

    def _audit(self, call: Call, status: int) -> None:
        write_audit(
            self.server,
            call.identity,
            self.endpoint.operation,
            call.path,
            subject_of(call.path, call.body),
            call.address,
            status,
        )


def _encoded(answer: Answer, request: Request) -> Reply | Transfer:
    if isinstance(answer, Content):
        is_head = request.method == "HEAD"
        return Transfer.begin(answer, request.headers, is_head=is_head)
    return json_reply(answer, request.headers.get("accept-encoding", ""))


def _refused(refusal: Refusal) -> Reply:
    return Reply(refusal.status, failure_of(refusal.error), _JSON | {**refusal.headers})


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
