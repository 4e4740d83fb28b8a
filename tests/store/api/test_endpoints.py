"""The API as data: every endpoint can be served, called and described."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from coresnap.store.api.endpoint import Endpoint
from coresnap.store.api.endpoints import ENDPOINTS
from store.server.live import running_server


def test_operations_and_addresses_are_each_there_once() -> None:
    operations = Counter(endpoint.operation for endpoint in ENDPOINTS)
    addresses = Counter((endpoint.method, endpoint.path) for endpoint in ENDPOINTS)

    assert max(operations.values()) == max(addresses.values()) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.operation)
def test_an_endpoint_makes_sense(endpoint: Endpoint) -> None:  # type: ignore[type-arg]
    assert endpoint.summary.endswith(".")
    assert not (endpoint.takes_bytes and endpoint.request is not None)
    assert not (endpoint.gives_bytes and endpoint.answer is not None)
    assert endpoint.method != "GET" or endpoint.request is None
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    assert len(names) == len(set(names))
    for parameter in endpoint.parameters:
        assert parameter.name not in names
        assert parameter.meaning.endswith(".")


def test_every_endpoint_has_its_handler(tmp_path: Path) -> None:
    from coresnap.store.server.routes import handlers_of

    with running_server(tmp_path, with_loops=False) as live:
        handlers = handlers_of(live.server)

    assert handlers.keys() == {endpoint.operation for endpoint in ENDPOINTS}
