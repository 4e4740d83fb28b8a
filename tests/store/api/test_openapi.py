"""The server against its own description, asked by schemathesis.

It makes requests that fit the description and requests that do not; whatever it sends,
the server must not fail, and its answers must be as described.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from coresnap.store.api.endpoint import Capability
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.server.openapi import describe
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
"""For each operation."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        with server.client(Capability.ADMIN) as client:
            for number in range(5):
                client.post("faults", content=make_snapshot(number, number % 2))
        server.wait_until_indexed()
        server.server.doorkeeper.failures.rate = 0
        yield server


@pytest.fixture(scope="module")
def secret(live: LiveServer) -> str:
    return live.token(Capability.ADMIN, name="schemathesis")


SCHEMA = schemathesis.openapi.from_dict(json.loads(describe(ENDPOINTS)))
OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in (
        result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)
    )
}
MODES = list(schemathesis.GenerationMode)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_described(
    name: str, mode: schemathesis.GenerationMode, live: LiveServer, secret: str
) -> None:
    operation = OPERATIONS[name]
    headers = {"authorization": f"Bearer {secret}"}
    try:
        cases = operation.as_strategy(generation_mode=mode)

        @given(case=cases)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case[Any]) -> None:
            # Half of what is made up would end at a project that is not there.
            parts = case.path_parameters or {}
            for part, value in (("universe", "cf"), ("project", "blackhole")):
                if part in parts:
                    parts[part] = value
            case.call_and_validate(base_url=live.url, headers=headers, checks=CHECKS)

        ask()
    except Unsatisfiable:
        pytest.skip("nothing about this operation can be wrong")


def test_the_description_is_for_everybody(live: LiveServer) -> None:
    answer = httpx2.get(f"{live.url}/api/v1/openapi.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["openapi"] == "3.1.0"
